"""Sheets of any step marked: intervals carried through its equations, slips as rewrites of one of them."""
