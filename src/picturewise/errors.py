"""Every error that Picturewise raises on purpose.

    PicturewiseError              exit code 1
    ├── UsageError              2   an unknown option, recipe key or name
    │   ├── LayerError          2   a layer line that cannot be read or does not fit
    │   └── MissingPackageError 2   a package of an extra that is not installed; also an ImportError
    ├── DataError               3   pictures or labels that cannot be used
    │   ├── DownloadError       3   a catalogue set that cannot be downloaded
    │   ├── InputError          3   data that cannot be used through scikit-learn's interface; also a ValueError
    │   ├── PictureError        3   one picture that cannot be decoded
    │   └── RunError            3   a run folder or a classifier file that cannot be used
    ├── DivergedError           1   the loss became NaN or infinite
    ├── SaveError               1   something could not be written
    ├── WorkerLostError        75   another worker of the same run no longer answers
    ├── Paused                  1   training stopped after a checkpoint, because the program asked it to
    └── Interrupted             129 / 130 / 143   closed terminal / Ctrl-C / SIGTERM, without unfinished files

A message is one or two sentences: what was found, where, what was expected, and what to do. It is one line of bounded
length without control characters, even if it quotes untrusted files.
"""

from __future__ import annotations

from collections.abc import Iterable

from picturewise.printable import shortened

LONGEST = 2000
"""Characters of a message; the middle of a longer one is left out."""


class PicturewiseError(Exception):
    """Base class of all Picturewise errors; `exit_code` is the exit code of the command."""

    exit_code = 1

    def __init__(self, message: object = "") -> None:
        super().__init__(shortened(message, LONGEST))

    def _render_traceback_(self) -> list[str]:
        """Return what IPython and Jupyter show instead of a traceback: the sentence, and notes on it.

        It is their own hook: they ask an error for it, and nothing is installed. The traceback itself is untouched.
        """
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]


class UsageError(PicturewiseError):
    """The caller requested something that does not exist, or options that cannot be combined."""

    exit_code = 2


class LayerError(UsageError):
    """A layer line cannot be read, or its shape does not fit."""


class MissingPackageError(UsageError, ImportError):
    """A package of the extra `train` is needed but not installed; code that tries imports expects an ImportError."""


class DataError(PicturewiseError):
    """Pictures or labels cannot be used."""

    exit_code = 3


class DownloadError(DataError):
    """A catalogue set could not be downloaded; existing files are unchanged."""


class PictureError(DataError):
    """One picture cannot be used; `reason` says why without naming it."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}.")
        self.reason = reason


class InputError(DataError, ValueError):
    """Pictures, labels or parameters that cannot be used; scikit-learn's tools expect a ValueError."""


class RunError(DataError):
    """A run folder or a classifier file is missing, damaged or of another version."""


class DivergedError(PicturewiseError):
    """The loss became NaN or infinite; the last good checkpoint is kept."""


class SaveError(PicturewiseError):
    """A file could not be written; files saved earlier are unchanged."""


class WorkerLostError(PicturewiseError):
    """Another process that trains the same run can no longer be reached; the last checkpoint is kept."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: trying again may help


class Paused(PicturewiseError):  # noqa: N818 (it is not a mistake, so its name does not say Error)
    """Training stopped after a checkpoint, because a callback called `trainer.pause`."""


class Interrupted(PicturewiseError):  # noqa: N818 (it is not a mistake, so its name does not say Error)
    """Training stopped after a checkpoint, or an import left nothing; `exit_code` is 128 + the signal's number."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `" Did you mean 'x'?"` for the known name that is closest to `name`, or `""` if none is close.

    >>> nearest("sdg", ["sgd", "adam"])
    " Did you mean 'sgd'?"
    >>> nearest("quite different", ["sgd", "adam"])
    ''
    """
    import difflib  # noqa: PLC0415 (most processes never need it)

    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{matches[0]}'?" if matches else ""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that is not one of `known`: it lists them and suggests the nearest.

    >>> str(unknown("optimizer", "adm", ["adam", "sgd"]))
    "Unknown optimizer 'adm'. Choose from adam, sgd. Did you mean 'adam'?"
    """
    names = list(known)
    return UsageError(f"Unknown {kind} '{name}'. Choose from {', '.join(names)}.{nearest(name, names)}")
