"""Searching for a recipe: a space of options, trials that are ordinary runs, and a budget."""
