"""`python -m tracer` is `bptrace`."""

import sys

from tracer.cli import main

sys.exit(main())
