"""Why an item has no answer, in the words that users read."""

from __future__ import annotations

from picturewise.untrusted.confined import process

_HARM = "; it is damaged or malicious"
INVALID = f"made the decoder return invalid data{_HARM}"
TOO_LONG = f"takes longer to decode than its size allows{_HARM}"


def too_much_memory(allowed: int) -> str:
    """Return the reason for an item that needs more memory than these bytes."""
    return f"needs more than the {allowed >> 20:,} MB of memory allowed for decoding a picture"


def crashed(code: int) -> str:
    """Return the reason for an item that made its child end with this code; negative: a signal."""
    return f"made the decoder crash ({process.how_it_ended(code)}){_HARM}"


def cannot_start(how: str) -> str:
    """Return the sentence for children that do not start."""
    return (
        f"The process that decodes pictures cannot be started ({how}). Check that there is free memory, and that "
        "the installation is complete."
    )
