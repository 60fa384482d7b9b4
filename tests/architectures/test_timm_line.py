from __future__ import annotations

import re
import subprocess
import sys
from types import ModuleType

import pytest

from picturewise.architectures.layers import Count
from picturewise.architectures.lines import parse
from picturewise.architectures.summary import summarise
from picturewise.architectures.timm_line import Timm
from picturewise.errors import LayerError
from picturewise.extras import install_command


@pytest.mark.slow
def test_a_name_with_its_tag_is_kept_in_the_line(timm: ModuleType) -> None:
    (layer, _) = parse("timm resnet18.a1_in1k; dense 64 relu")
    assert layer == Timm("resnet18.a1_in1k")
    assert layer.line == "timm resnet18.a1_in1k"
    assert parse("TIMM test_resnet") == (Timm("test_resnet"),)


@pytest.mark.parametrize(
    "written",
    ["hf-hub:timm/resnet18", "local-dir:/tmp", "./resnet18", "/etc/passwd", "res-net", "resnet18.", "a.b.c", ""],
)  # fmt: skip
def test_what_is_not_a_registry_name_is_refused_before_timm_is_asked(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(LayerError) as caught:
        parse(f"timm {written}")
    found = f", not '{written}'" if written else ""
    assert str(caught.value) == (
        f"Layer line 1, '{f'timm {written}'.strip()}', cannot be read: it needs a name from timm's registry, such as "
        f"resnet18 or resnet18.a1_in1k{found}. Folders and repositories are not supported."
    )


def test_it_must_be_the_first_line() -> None:
    with pytest.raises(LayerError, match=r"^Layer line 2, 'timm resnet18', .* it must be the first line\.$"):
        parse("batchnorm; timm resnet18")


def test_words_that_do_not_belong_to_it_are_reported(timm: ModuleType) -> None:
    with pytest.raises(LayerError, match="'relu' is not allowed here"):
        parse("timm resnet18 relu")


def test_a_name_that_timm_does_not_know_is_reported_with_the_line(timm: ModuleType) -> None:
    with pytest.raises(LayerError) as caught:
        parse("timm resnet81; dense 9")
    assert str(caught.value).startswith(
        "Layer line 1, 'timm resnet81', cannot be read: "
        f"timm {timm.__version__} does not have a network 'resnet81'. Did you"
    )


def test_without_timm_the_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    command = re.escape(install_command("timm"))
    with pytest.raises(LayerError, match=f"cannot be read: it needs the package timm, and .*{command}"):
        parse("timm resnet18")


def test_the_table_has_its_features_and_parameters(timm: ModuleType) -> None:
    first, second, last = summarise(parse("timm resnet18; dense 64 relu"), (64, 64, 3), "dense 10").rows
    assert (first.output, second.output, last.output) == ((512,), (64,), (10,))
    # torchvision's 11,689,512 without the output layer; 4,800 means and as many variances.
    assert first.count == Count(trainable=11_689_512 - 513_000, fixed=9_600)
    assert first.multiplications > 10 * first.count.trainable  # which meet many places each


def test_pictures_that_it_does_not_take_are_reported_with_the_line(timm: ModuleType) -> None:
    with pytest.raises(LayerError) as caught:
        summarise(parse("timm test_vit"), (8, 8, 1), "dense 2")
    assert str(caught.value).startswith("Layer line 1, 'timm test_vit', does not fit its input 8x8x1: this")
    assert str(caught.value).endswith("It was made for 160x160: resize the pictures with --size 160x160.")


@pytest.mark.slow
def test_a_network_beyond_all_memory_is_reported_before_it_is_built(timm: ModuleType) -> None:
    with pytest.raises(
        LayerError, match=r"would have 6,\d{3},\d{3},\d{3} parameters, but at most 1,000,000,000"
    ):
        summarise(parse("timm vit_7b_patch16_dinov3"), (32, 32, 3), "dense 2")


def test_other_lines_load_no_engine() -> None:
    code = (
        "import sys; from picturewise.architectures.lines import parse; "
        "from picturewise.architectures.summary import summarise; "
        "summarise(parse('conv 3; flatten'), (8, 8, 1), 'dense 2'); print('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
