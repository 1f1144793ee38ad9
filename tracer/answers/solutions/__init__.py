"""Written solutions checked: every relation of a document, as mathematics, as numbers and against the network."""
