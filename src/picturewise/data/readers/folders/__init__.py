"""Folders of pictures: where the classes and splits lie in them, and what lies beside."""
