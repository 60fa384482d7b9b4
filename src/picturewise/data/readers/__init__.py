"""One file per form of data: each recognises its form by looking and reads the splits asked for."""
