"""What users come for, one file a task: each is one call in Python and one command in the shell."""
