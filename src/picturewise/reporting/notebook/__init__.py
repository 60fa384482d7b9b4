"""How objects look in a notebook: HTML without scripts or files beside it, in the colours of the page around it."""
