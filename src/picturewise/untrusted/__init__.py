"""Everything that parses untrusted bytes: confined processes, archives, pickles, arrays."""
