"""How objects look in a notebook: HTML without scripts or other files, in the colours of the page around it."""
