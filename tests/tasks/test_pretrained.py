"""Published weights from a server to the safetensors file that training begins with, with a stand-in of their form."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from picturewise.architectures.published import PUBLISHED
from picturewise.catalogue import entries
from picturewise.catalogue.entries import WeightsEntry
from picturewise.catalogue.weights import published_weights
from picturewise.errors import DataError, DownloadError, UsageError
from picturewise.networks import weights
from picturewise.networks.torchvision_weights import from_published, published_shapes
from picturewise.tasks.catalogue import fetch_sets, list_weights, remove_set, show_set


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def state() -> Mapping[str, Tensor]:
    """Tensors of ResNet-18's published names and shapes, in half precision and without counters."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.randn(shape, generator=generator).half()
        for name, shape in published_shapes("resnet18").items()
        if not name.endswith("num_batches_tracked")
    }


def offered(state: Mapping[str, Tensor], folder: Path, port: int) -> WeightsEntry:
    """Save weights as the first versions of PyTorch did, where a server finds them; return their entry."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer, _use_new_zipfile_serialization=False)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    (folder / f"resnet18-{digest[:8]}.pth").write_bytes(content)
    file = {
        "name": f"resnet18-{digest[:8]}.pth",
        "mebibytes": round(len(content) / 2**20, 3),
        "checksum": f"sha256-prefix:{digest[:8]}",
        "converted": f"resnet18-{digest[:8]}.safetensors",
    }
    known = entries.weights()["resnet18"].model_dump()
    mirrors = (f"http://127.0.0.1:{port}/",)
    return WeightsEntry.model_validate(known | {"mirrors": mirrors, "files": [file]})


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "published").mkdir()
    handler = functools.partial(_Quiet, directory=str(tmp_path / "published"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_the_catalogue_offers_exactly_the_networks_that_can_be_built() -> None:
    assert [*entries.weights()] == [*PUBLISHED]


def test_weights_are_fetched_converted_and_removed(
    state: Mapping[str, Tensor],
    tmp_path: Path,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    picturewise_home: Path,
) -> None:
    entry = offered(state, tmp_path / "published", port)
    monkeypatch.setattr(entries, "weights", lambda: {"resnet18": entry})
    with pytest.raises(DataError) as caught:
        published_weights("resnet18")
    assert str(caught.value) == (
        f"The weights of resnet18 have not been downloaded yet. Download them (23.4 MB from 127.0.0.1:{port}) with: "
        "picturewise data fetch resnet18"
    )
    (fetched,) = fetch_sets(["resnet18"], progress=False)
    (published,) = (tmp_path / "published").iterdir()
    assert fetched.fetched == (published.name,)
    path = published_weights("resnet18")
    assert path == picturewise_home / "catalogue" / "resnet18" / f"{published.stem}.safetensors"
    found, metadata = weights.read(path)
    assert weights.fingerprint(found) == weights.fingerprint(state)
    digest = hashlib.sha256(published.read_bytes()).hexdigest()
    assert metadata == {"source": published.name, "source_sha256": digest}
    assert from_published("resnet18", found, (64, 64, 3), origin=str(path))["0.weight"].shape == (64, 3, 7, 7)
    (listed,) = list_weights()
    assert (listed.here, listed.bytes_here, listed.parameters) == (True, path.stat().st_size, 11_689_512)
    shown = show_set("resnet18")
    assert shown.kind == "weights"
    assert shown.checksums == {published.name: f"sha256-prefix:{digest[:8]}"}
    removed = remove_set("resnet18")
    assert (removed.bytes_freed, removed.left) == (listed.bytes_here, ())
    with pytest.raises(DataError, match="have not been downloaded yet"):
        published_weights("resnet18")


def test_a_file_that_holds_another_network_is_refused_and_nothing_is_kept(
    state: Mapping[str, Tensor],
    tmp_path: Path,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    picturewise_home: Path,
) -> None:
    other = {name: tensor for name, tensor in state.items() if not name.startswith("layer4.1")}
    entry = offered(other, tmp_path / "published", port)
    monkeypatch.setattr(entries, "weights", lambda: {"resnet18": entry})
    with pytest.raises(
        DataError, match=r"^resnet18-\w+\.pth does not contain the weights of resnet18: 'layer4\.1"
    ):
        fetch_sets(["resnet18"], progress=False)
    assert list((picturewise_home / "catalogue" / "resnet18").iterdir()) == []


def test_a_file_that_was_exchanged_is_not_even_opened(
    state: Mapping[str, Tensor], tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = offered(state, tmp_path / "published", port)
    (published,) = (tmp_path / "published").iterdir()
    content = bytearray(published.read_bytes())
    content[-1] ^= 1
    published.write_bytes(content)
    monkeypatch.setattr(entries, "weights", lambda: {"resnet18": entry})
    with pytest.raises(
        DownloadError, match="sent a file that does not match the published checksum sha256-prefix:"
    ):
        fetch_sets(["resnet18"], progress=False)
    with pytest.raises(DataError, match="have not been downloaded yet"):
        published_weights("resnet18")


def test_the_real_entry_says_where_from_and_how_much() -> None:
    with pytest.raises(
        DataError, match=r"^The weights of resnet18 .*Download them \(46\.8 MB from download\.pytorch"
    ):
        published_weights("resnet18")
    with pytest.raises(UsageError, match="Did you mean 'vgg16_bn'"):
        published_weights("vgg16")
