"""Data sets and weights that can be fetched: which there are, where they are, and how they are fetched."""
