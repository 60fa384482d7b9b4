"""Pickles of arrays, read without running any of their code."""
