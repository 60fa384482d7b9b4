"""Stands in for torchvision where it is not installed: the names that timm takes when it is imported, and no more."""
