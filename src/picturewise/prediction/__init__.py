"""`Classifier`: a trained network with all that it needs to judge pictures of any size."""
