"""The conversion of a file of published weights after its download."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from picturewise import files


def converting(name: str) -> Callable[[Path, Path], None]:
    """Return a function that converts the published weights of the network `name` to a safetensors file.

    It reads the first path and writes the second. It raises DataError if the first does not contain that network's
    weights.
    """

    def convert(source: Path, target: Path) -> None:
        from picturewise.networks import weights  # noqa: PLC0415 (torch takes a while to import, and sets do not need it)
        from picturewise.networks.torchvision_weights import check_published  # noqa: PLC0415
        from picturewise.networks.weight_files import read_weight_file  # noqa: PLC0415

        state = read_weight_file(source)
        check_published(name, state, origin=source.name)
        metadata = {"source": source.name, "source_sha256": files.sha256(source)}
        files.write_bytes(target, weights.to_bytes(state, metadata))

    return convert
