"""Picture files: decoding in confined processes, colours, resizing."""
