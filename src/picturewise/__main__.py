"""`picturewise` and `python -m picturewise`."""

from __future__ import annotations

import gc

from picturewise import circumstances, stopping


def main() -> None:
    """Run the command line and end the process with its exit code."""
    stopping.stop_at_once()  # nothing has begun yet
    from picturewise.cli.app import run  # noqa: PLC0415 (importing this module does not run anything)

    try:
        stopping.stop_tidily()
        code = run(began=circumstances.process_start())
        stopping.stop_at_once()  # the interpreter takes a while to end
    except KeyboardInterrupt as interrupt:  # just before or after the command
        code = 128 + stopping.signal_of(interrupt)
    # Otherwise, the interpreter would search all objects of the libraries for cycles, for 0.8 s if PyTorch is loaded.
    gc.freeze()
    raise SystemExit(code)


if __name__ == "__main__":
    main()
