"""Everything that parses bytes of strangers: confined processes, archives, pickles, arrays."""
