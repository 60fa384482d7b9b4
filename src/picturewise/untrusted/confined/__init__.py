"""Child processes with limits on memory and time, in which parsers written in C run."""
