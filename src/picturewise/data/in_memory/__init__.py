"""Pictures that come from Python: arrays, tensors and other libraries' data sets."""
