"""Is a gradient right, and how do we know: routes that share nothing with the rules they judge."""
