"""Lists beside folders of pictures that name picture files and their classes."""
