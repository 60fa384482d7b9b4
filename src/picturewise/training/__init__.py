"""From a recipe and pictures to a trained network in a run folder."""
