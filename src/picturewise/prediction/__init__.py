"""`Classifier`: a trained network with everything that it needs to predict pictures of any size."""
