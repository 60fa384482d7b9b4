"""One file over HTTP: never more than declared, never waiting forever, never used before it is checked.

pooch downloads a file under a temporary name, compares its checksum, and only then renames it. The transfer itself is
our own, because pooch's would accept anything a server sends for any length of time, and would unpack a `.gz` file on
the way if the server calls that an encoding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING

from picturewise.catalogue import checksums
from picturewise.catalogue.entries import PublishedFile
from picturewise.errors import DownloadError, SaveError
from picturewise.extras import require
from picturewise.printable import printable

if TYPE_CHECKING:
    import requests

MOST_BYTES = 64 << 20  # of a file whose size is not published: the largest of these has 7 million bytes
CHUNK = 1 << 18

Advance = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Patience:
    """How long a server may take, in seconds.

    Attributes:
        connect: to answer at all.
        silence: between two pieces of an answer.
        window: the time in which at least `slowest` bytes must arrive; a server that sends a byte from time
            to time is never silent, and never finishes either.
        slowest: bytes in a window.
    """

    connect: float = 15
    silence: float = 30
    window: float = 60
    slowest: int = 64 << 10


class _RefusedError(Exception):
    """A server's answer is refused; the message says why, as a part of a sentence."""


def download(
    file: PublishedFile,
    addresses: Sequence[str],
    folder: Path,
    *,
    patience: Patience | None = None,
    advance: Advance | None = None,
) -> tuple[Path, str]:
    """Return the path of the file in `folder`, whole and with the right checksum, and the address it came from.

    Args:
        file: the file to download.
        addresses: where it is published; each is tried once, in this order.
        folder: where to put it. Only the finished file is left there, unless the process is killed.
        patience: how long to wait.
        advance: called with (bytes so far, all bytes or None), from the calling thread.

    Raises:
        MissingPackageError: pooch or what it needs is not installed.
        DownloadError: no address sent it; the message says for each what happened, as a part of a sentence.
        SaveError: it could not be written.
    """
    require("Downloading", "pooch", "requests", "urllib3")
    import pooch  # noqa: PLC0415 (with requests, it takes a while to import, and few commands need it)

    failures = []
    for address in addresses:
        carrier = _Carrier(file, patience or Patience(), advance)
        try:
            # pooch's log lines would get between the lines of a progress bar.
            pooch.get_logger().setLevel("ERROR")
            # pooch compares whole checksums; if only the beginning is published, the carrier compares it.
            whole = None if carrier.prefix else file.checksum
            path = pooch.retrieve(address, whole, fname=file.name, path=folder, downloader=carrier)
        except _RefusedError as error:
            failures.append(f"{address} {error}")
        except ValueError as error:  # pooch's error for a different checksum
            if "hash" not in str(error):
                raise
            failures.append(f"{address} {_wrong(file)}")
        except OSError as error:
            raise SaveError(f"{folder / file.name} cannot be written: {error.strerror or error}.") from error
        else:
            return Path(path), address
    raise DownloadError("; ".join(failures))


@dataclass
class _Carrier:
    """Downloads the bytes from one address; pooch calls it."""

    file: PublishedFile
    patience: Patience
    advance: Advance | None

    @property
    def prefix(self) -> bool:
        """Whether only the beginning of the checksum is published."""
        return self.file.checksum.startswith(checksums.PREFIX)

    def __call__(self, url: str, output_file: str, _: object, check_only: bool = False) -> None:
        import requests  # noqa: PLC0415 (see above)
        import urllib3  # noqa: PLC0415

        try:
            with (
                requests.get(
                    url,
                    stream=True,
                    timeout=(self.patience.connect, self.patience.silence),
                    # The original bytes: otherwise, a server may compress them, or say that it did.
                    headers={"Accept-Encoding": "identity"},
                ) as response,
                Path(output_file).open("wb") as output,
            ):
                self._check(response)
                self._carry(response, output)
                output.flush()
                if self.prefix and not checksums.matches(Path(output_file), self.file.checksum):
                    raise _RefusedError(_wrong(self.file))
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
            raise _RefusedError(f"did not respond for {self.patience.silence:g} seconds") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _RefusedError(_in_words(error)) from error

    def _check(self, response: requests.Response) -> None:
        if response.status_code != HTTPStatus.OK:
            raise _RefusedError(
                f"responded with {response.status_code} {printable(response.reason or '')}".rstrip()
            )
        promised = response.headers.get("Content-Length", "")
        if promised.isdecimal() and len(promised) < 20:
            if self.file.bytes is not None and int(promised) != self.file.bytes:
                raise _RefusedError(
                    f"reports a file size of {int(promised):,} bytes, but the published file has {self.file.bytes:,}"
                )
            self._check_most(int(promised))

    def _check_most(self, found: int) -> None:
        most = self.file.most or MOST_BYTES
        if found > most:
            raise _RefusedError(f"sent more than the allowed {most:,} bytes")

    def _carry(self, response: requests.Response, output: IO[bytes]) -> None:
        done, in_window, start = 0, 0, time.monotonic()
        # read1 returns what has arrived; read would wait for a whole chunk, and the window could not be checked.
        while piece := response.raw.read1(CHUNK, decode_content=False):
            done, in_window = done + len(piece), in_window + len(piece)
            self._check_most(done)
            output.write(piece)
            if self.advance is not None:
                self.advance(done, self.file.size)
            if (passed := time.monotonic() - start) > self.patience.window:
                if in_window < self.patience.slowest:
                    raise _RefusedError(
                        f"sent only {in_window:,} bytes in {passed:.0f} seconds, so the download was stopped"
                    )
                in_window, start = 0, time.monotonic()
        if self.file.bytes is not None and done < self.file.bytes:
            raise _RefusedError(f"closed the connection after {done:,} of {self.file.bytes:,} bytes")


def _wrong(file: PublishedFile) -> str:
    return f"sent a file that does not match the published checksum {file.checksum}"


def _in_words(error: Exception) -> str:
    """Return the meaning of a library's error, as the rest of a sentence that begins with the address."""
    said = str(error)
    for sign, words in (
        ("IncompleteRead", "closed the connection before the download was complete"),
        ("Connection broken", "closed the connection before the download was complete"),
        ("NameResolution", "cannot be found: the host name is unknown, or there is no network connection"),
        ("timed out", "did not respond in time"),
        ("CERTIFICATE", "does not have a trusted certificate"),
        ("redirects", "redirects endlessly"),
        ("refused", "cannot be reached: the connection was refused"),
        ("proxy", "cannot be reached: the proxy refused the connection"),
    ):
        if sign in said:
            return words
    return f"cannot be reached ({type(error).__name__})"
