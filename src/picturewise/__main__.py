"""`picturewise` and `python -m picturewise`."""

from __future__ import annotations


def main() -> None:
    """Run the command line and end the process with its exit code."""
    from picturewise.cli.app import run  # noqa: PLC0415 (importing this module runs nothing)

    raise SystemExit(run())


if __name__ == "__main__":
    main()
