"""Classifiers leave for other programs: ONNX with the preparation inside, a page, a hub's folder, a model card."""
