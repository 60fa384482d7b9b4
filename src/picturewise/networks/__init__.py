"""From layer lines to PyTorch networks."""
