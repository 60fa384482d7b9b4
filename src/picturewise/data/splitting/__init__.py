"""Which pictures are train, validation and test."""
