"""Causes of wrong numbers in words: alternative workings of a step, one judge of them, and where they come from."""
