"""Written solutions read as data: documents into rows, rows into the tree of a written formula; nothing is evaluated."""
