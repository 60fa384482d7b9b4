"""Networks as plain data: layer lines, their shapes and parameters, presets. No engine is imported here."""
