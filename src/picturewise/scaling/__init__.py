"""Launching workers on one machine, with PyTorch's own launcher."""
