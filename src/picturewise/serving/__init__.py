"""The HTTP service: pictures come in, probabilities go out; it knows neither runs nor training."""
