"""Millions of pictures in parts that any number of processes and machines can compute."""
