"""A recipe: all that is needed to repeat a run, with its options, presets and overrides."""
