"""One file per form of data: each recognises its form and reads the requested splits."""
