"""Data sets and weights that can be fetched: what there is, where it lies, and how it comes here."""
