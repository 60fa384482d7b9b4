"""The tasks of users, one per file: each is one call in Python and one command in the shell."""
