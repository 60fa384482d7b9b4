"""Sightline: from labelled pictures to a classifier that you can trust."""
