"""Folders of pictures: where the classes and splits are, and what else is there."""
