"""Hostile classifier files and run folders made by rules, each from a number alone, and what opening them comes to."""
