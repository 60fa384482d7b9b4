"""A grammar of layer lines: networks that may be valid, and others that nobody would write."""

from __future__ import annotations

from random import Random

from grammars.values import TEXTS

_SIZES = (1, 2, 3, 4, 7, 8, 16, 64, 65, 256, 1024, 65_536, 65_537, 10**9, 10**30)
_FEW = (1, 2, 3, 4, 8, 16)
_ACTIVATIONS = ("", " relu", " relu6", " tanh", " sigmoid", " gelu", " silu", " maxout")
_WORDS = (
    "same",
    "valid",
    "nobias",
    "whiten",
    "depthwise",
    "same-upper",
    "groups 2",
    "expand 64",
    "squeeze 1",
    "global",
    "pre",
    "dropout",
    "relu",
    "x256",
    "/2",
    "3x3",
    "-1",
    "1e9",
    "٣",
)


def lines(random: Random) -> list[str]:
    """Return lines of a network; most can be read, and some fit."""
    kind = random.randrange(8)
    if kind == 0:
        return [random.choice(TEXTS) for _ in range(random.choice((1, 3)))]
    if kind == 1:
        return [_any(random)] * random.choice((10, 999, 1000, 1001, 20_000))
    if kind == 2:
        return [_costly(random), "avgpool global"]
    if kind == 3:
        return [_any(random, _SIZES) for _ in range(random.choice((1, 2, 5)))]
    return _fitting(random)


def _fitting(random: Random) -> list[str]:
    found = [_of_pictures(random, _FEW) for _ in range(random.choice((0, 1, 2, 4, 8)))]
    found.append(random.choice(("flatten", "avgpool global", "flatten", "avgpool global", "relu")))
    return [*found, *(_of_vectors(random, _FEW) for _ in range(random.choice((0, 0, 1, 3))))]


def _any(random: Random, sizes: tuple[int, ...] = _FEW) -> str:
    line = random.choice((_of_pictures, _of_vectors))(random, sizes)
    for _ in range(random.choice((0, 0, 0, 1, 2))):
        line += " " + random.choice(_WORDS)
    return line


def _of_pictures(random: Random, sizes: tuple[int, ...]) -> str:
    def size() -> int:
        return random.choice(sizes)

    activation = random.choice(_ACTIVATIONS[:-1])
    return random.choice(
        (
            f"conv {size()}{activation}",
            f"conv {size()} {random.choice((1, 2, 3, 5))}x{random.choice((1, 2, 3, 5))}{activation} /{size()}",
            f"conv {size()} valid nobias{activation}",
            f"conv {2 * size()} 2x2 whiten",
            "batchnorm",
            f"groupnorm {size()}",
            f"maxpool {size()} same",
            f"maxpool {size()} /{size()}",
            f"avgpool {size()}",
            f"residual {size()} x{random.choice((1, 2))} /{size()}{activation}",
            f"residual {size()} pre dropout 0.5",
            f"bottleneck {size()} x{random.choice((1, 2))}",
            f"conv {size()} depthwise{activation}",
            f"conv {size()} groups {size()} same-upper /{size()}",
            f"mbconv {size()} x{random.choice((1, 2))} /{size()}{activation}",
            f"mbconv {size()} expand {random.choice((1, 6, 64, 65))} 5x5 squeeze {size()}",
            f"squeeze-excite {size()}",
            f"dropout 0.{size()}",
            activation.strip() or "relu",
        )
    )


def _of_vectors(random: Random, sizes: tuple[int, ...]) -> str:
    return random.choice(
        (
            f"dense {random.choice(sizes)}{random.choice(_ACTIVATIONS)}",
            "batchnorm",
            "relu",
            "dropout 0.5",
            "flatten",
        )
    )


def _costly(random: Random) -> str:
    """Return a line whose weights are few and whose work is not."""
    return random.choice(
        (
            "; ".join(["conv 64"] * random.choice((2, 20, 400))),
            "; ".join(["conv 1 64x64"] * random.choice((1, 20))),
            "conv 65536 1x1; conv 1 1x1",
            f"maxpool 64 /1; {'; '.join(['maxpool 64 same /1'] * 30)}",
            "; ".join(["gelu"] * 900),
            "conv 16; " + "; ".join(["gelu"] * 100),
            "residual 1 x256; " * random.choice((1, 40)) + "relu",
            "bottleneck 16384",
            "residual 32 x4; residual 64 x4",
            "conv 32; batchnorm; relu; conv 32; batchnorm; relu; maxpool 2",
            "timm vit_giant_patch14_224",
            "timm resnet18",
            "pretrained resnet18",
        )
    )
