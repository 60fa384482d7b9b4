"""Work that is divided among processes and machines: training in workers, and parts of millions of pictures."""
