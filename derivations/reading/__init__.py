"""Written solutions read as data: documents into rows, rows into trees; nothing is evaluated."""
