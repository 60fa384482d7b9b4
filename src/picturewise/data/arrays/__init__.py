"""What is done with arrays of pictures and labels, wherever they came from."""
