"""What timm's networks are said to be, against real ones; and what is said where timm is not, or does not work."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from picturewise.architectures.timm_line import NAME
from picturewise.extras import install_command
from picturewise.timm_adapter import TimmError, build_network, check_name, measure, published, state_of

NETWORKS = ["test_resnet", "test_vit", "test_convnext", "test_efficientnet"]


def test_every_name_of_timms_registry_can_be_written_in_a_line(timm: ModuleType) -> None:
    names = [*timm.list_models(), *timm.list_models(include_tags=True)]
    assert len(names) > 1000
    assert [name for name in names if not re.fullmatch(NAME, name)] == []
    for name in names[::100]:
        check_name(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet81", r"^timm \d\S+ does not have a network 'resnet81'\. Did you mean 'resnet"),
        ("resnet18.a1_in2k", r"published weights 'a1_in2k' for resnet18\. Did you mean 'resnet18\.a1_in1k'\?"),
        ("vit_base_patch16_224_in21k", r"does not have a network 'vit_base_patch16_224_in21k'"),  # a name of old
    ],
)  # fmt: skip
def test_a_name_that_timm_does_not_know_is_reported_with_the_nearest(
    timm: ModuleType, name: str, said: str
) -> None:
    with pytest.raises(TimmError, match=said):
        check_name(name)


@pytest.mark.parametrize("shape", [(32, 32, 3), (48, 32, 1)])
@pytest.mark.parametrize("name", NETWORKS)
def test_features_and_parameters_are_those_of_the_real_network(
    timm: ModuleType, name: str, shape: tuple[int, int, int]
) -> None:
    size = {"img_size": shape[:2]} if name == "test_vit" else {}
    network = timm.create_model(name, num_classes=0, in_chans=shape[2], **size).eval()
    with torch.no_grad():
        features = network(torch.zeros(2, shape[2], *shape[:2]))
    found = measure(name, shape)
    assert found.features == features.shape[1]
    assert found.trainable == sum(parameter.numel() for parameter in network.parameters())
    running = [tensor for key, tensor in network.state_dict().items() if ".running_" in key]
    assert found.fixed == sum(tensor.numel() for tensor in running)


def test_multiplications_are_those_of_every_convolution(timm: ModuleType) -> None:
    network, counted = build_network("test_efficientnet", (64, 64, 3)).eval(), list[int]()

    def count(module: nn.Conv2d, _: object, output: Tensor) -> None:
        counted.append(module.weight.numel() * output.shape[2] * output.shape[3])

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(count)  # type: ignore[arg-type]
    network(torch.zeros(1, 3, 64, 64))
    assert len(counted) > 10
    assert measure("test_efficientnet", (64, 64, 3)).multiplications == sum(counted)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
def test_what_training_keeps_is_what_a_real_network_keeps(timm: ModuleType, name: str) -> None:
    network, kept = build_network(name, (64, 64, 3)).eval(), dict[int, Tensor]()
    own = {tensor.untyped_storage().data_ptr() for tensor in (*network.parameters(), *network.buffers())}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(torch.rand(1, 3, 64, 64))
    numbers = sum(
        tensor.untyped_storage().nbytes() // 4 for place, tensor in kept.items() if place not in own
    )
    # The processor has attention in one piece, and so keeps less of it than there is to keep.
    assert 0.6 * measure(name, (64, 64, 3)).kept < numbers <= 1.01 * measure(name, (64, 64, 3)).kept


def test_operations_are_counted_without_views_and_empty_tensors(timm: ModuleType) -> None:
    # Of ResNet-18: 20 convolutions, 20 normalisations, 17 relu, 8 sums, a pooling, a mean.
    assert measure("resnet18", (64, 64, 3)).operations == 67


def test_the_shape_decides_what_a_network_costs(timm: ModuleType) -> None:
    small, large = (measure("test_convnext", (side, side, 3)) for side in (32, 64))
    assert large.multiplications == pytest.approx(4 * small.multiplications, rel=0.05)
    assert large.trainable == small.trainable


def test_measuring_leaves_random_state_as_it_was(timm: ModuleType) -> None:
    before = torch.get_rng_state()
    measure.__wrapped__("test_vit", (48, 48, 3))
    state_of("test_vit", (48, 48, 3))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "shape", "said"),
    [
        ("inception_v3", (32, 32, 3), r"Kernel size.*It was made for 299x299: resize .* --size 299x299"),
        ("test_vit", (8, 8, 3), "It was made for 160x160"),
        ("test_resnet", (1025, 8, 3), "at most"),
    ],
)
def test_pictures_that_a_network_does_not_take_are_reported_with_its_own_size(
    timm: ModuleType, name: str, shape: tuple[int, int, int], said: str
) -> None:
    with pytest.raises(TimmError, match=said):
        measure(name, shape)


def test_what_is_published_is_the_scale_of_0_to_255_and_the_place(timm: ModuleType) -> None:
    found = published("resnet18.a1_in1k")
    assert found.shape == (224, 224, 3)
    assert found.mean == (123.675, 116.28, 103.53)
    assert found.std == (58.395, 57.12, 57.375)
    assert found.repository == "timm/resnet18.a1_in1k"
    assert published("vit_tiny_patch16_224.augreg_in21k").mean == (127.5, 127.5, 127.5)


def test_nothing_is_fetched(timm: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was asked for")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    for name in NETWORKS:
        build_network(name, (32, 32, 3))


def test_missing_timm_is_reported_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(TimmError) as caught:
        check_name("resnet18")
    assert str(caught.value) == (
        f"it needs the package timm, and the torchvision release that matches PyTorch {torch.__version__}. "
        f"Install them with: {install_command('timm')}"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "raise RuntimeError('operator torchvision::nms does not exist\\nand more')",
            r"cannot be imported \(operator torchvision::nms does not exist\)\. Install the torchvision release",
        ),
        ("import a_package_that_is_not_there", r"cannot be imported \(No module named 'a_package_that_is_not_there'\)"),
        ("__version__ = '1.0.3'", r"^timm 1\.0\.3 is too old\. Update it to 1\.0\.22 or newer with: .* --upgrade timm"),
    ],
)  # fmt: skip
def test_timm_that_does_not_work_is_reported_with_the_reason(
    content: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "timm.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    with pytest.raises(TimmError, match=said):
        check_name("resnet18")
    sys.modules.pop("timm", None)  # what monkeypatch found is put back


def test_a_pytorch_that_cannot_count_operations_is_reported_with_one_that_can(
    timm: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("torch.utils._python_dispatch.TorchDispatchMode")
    measure.cache_clear()
    with pytest.raises(TimmError) as caught:
        measure("test_resnet", (32, 32, 3))
    assert str(caught.value) == (
        f"PyTorch {torch.__version__} does not have the class TorchDispatchMode, which is needed to count operations. "
        "Install torch==2.13.0, the tested version."
    )


@pytest.mark.slow
def test_timm_is_loaded_only_if_it_is_named() -> None:
    code = (
        "import sys; import picturewise.cli.app, picturewise.tasks.train, picturewise.training.start; "
        "from picturewise.architectures.lines import parse; parse('conv 3; flatten'); "
        "print({'timm', 'torchvision'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "set()"
