"""Draws figures and writes tables and the self-contained HTML report, from arrays and facts."""
