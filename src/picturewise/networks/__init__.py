"""Layer lines become PyTorch networks here."""
