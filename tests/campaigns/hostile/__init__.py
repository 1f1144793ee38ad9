"""A structured fuzzer of the command: inputs drawn, run under watch, judged, and what fails made small."""
