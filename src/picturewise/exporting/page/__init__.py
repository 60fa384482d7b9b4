"""One HTML file that classifies pictures in a browser: the model, ONNX Runtime Web and all else is inside."""
