"""A recipe: everything that is needed to repeat a run, with its options, presets and overrides."""
