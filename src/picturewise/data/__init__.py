"""From a name or a path to pictures in memory: image sets, readers, splits."""
