"""Is this gradient right, which number is wrong, and how do we know: three independent routes to every number."""
