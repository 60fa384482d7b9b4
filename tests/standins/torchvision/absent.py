from __future__ import annotations


class Absent:
    """What can be named and inherited from, but not used."""

    def __init__(self, *_: object, **__: object) -> None:
        raise NotImplementedError(
            f"torchvision is not installed; this {type(self).__name__} stands in for its own"
        )
