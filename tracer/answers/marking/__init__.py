"""One sheet or many, marked: every cell judged, every refused one explained."""
