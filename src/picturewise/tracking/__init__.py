"""A run's figures in the records of other programs; off unless asked for, and the run folder never needs it."""
