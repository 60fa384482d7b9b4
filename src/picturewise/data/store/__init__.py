"""The store: every source is imported once and mapped into memory from then on."""
