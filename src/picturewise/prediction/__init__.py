"""`Classifier`: a trained network with all that it needs to evaluate pictures of any size."""
