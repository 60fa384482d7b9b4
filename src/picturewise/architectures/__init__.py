"""Networks as plain data: layer lines, their shapes and parameters, named networks. No engine is imported here."""
