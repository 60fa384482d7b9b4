"""Lists that name picture files and say their classes, beside folders of pictures."""
