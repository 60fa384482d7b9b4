"""A run's metrics in other programs' logs; off by default, and the run folder is complete without them."""
