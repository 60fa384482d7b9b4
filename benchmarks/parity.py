"""Whether exported ONNX files answer as Picturewise does.

    python benchmarks/parity.py networks                        # every named network, size and way of resizing
    python benchmarks/parity.py runs RUN=DATA… --out FOLDER     # the test pictures of trained runs
    python benchmarks/parity.py openvino FOLDER                 # in an environment with openvino and numpy alone

`networks` draws weights for every named network, for 28x28 grey, 32x32 and 64x64 colour pictures and the three ways of
resizing, and compares 64 generated pictures and 50 of other sizes. `runs` exports runs, compares all test pictures of
DATA, and writes the files to FOLDER with pictures and Picturewise's probabilities, which `openvino` compares.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

MOST = 2_000  # test pictures that are kept for OpenVINO


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["networks", "runs", "openvino"])
    parser.add_argument("items", nargs="*")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.what == "networks":
        compare_networks(asked.items)
    elif asked.what == "runs":
        asked.out.mkdir(parents=True, exist_ok=True)
        for item in asked.items:
            run, data = item.split("=", 1)
            compare_run(run, data, asked.out)
    else:
        for path in sorted(Path(asked.items[0]).glob("*.onnx")):
            compare_in_openvino(path)


def compare_networks(names: list[str]) -> None:
    import torch

    from picturewise.architectures.lines import parse
    from picturewise.architectures.named import NETWORKS, named_lines
    from picturewise.networks.builder import build

    worst, changed, cases = 0.0, 0, 0
    for name in names or NETWORKS:
        for shape in ((28, 28, 1), (32, 32, 3), (64, 64, 3)):
            lines = tuple(named_lines(name, shape))
            network = build(parse(lines), shape, "dense 10", seed=0).eval()
            random = torch.Generator().manual_seed(1)
            for key, tensor in network.state_dict().items():
                if tensor.ndim == 1:  # otherwise blocks only pass on their input
                    middle = 0.0 if key.endswith(("bias", "running_mean")) else 1.0
                    tensor.copy_(torch.rand(tensor.shape, generator=random) * 0.2 + middle - 0.1)
            weights = {key: tensor.numpy() for key, tensor in network.state_dict().items()}
            for resize in ("crop", "pad", "stretch"):
                found = compare_one(weights, lines, shape, resize)
                worst, cases = max(worst, found.difference, found.odd_difference), cases + 1
                changed += found.changed + found.odd_changed
                print(name, shape, resize, f"{max(found.difference, found.odd_difference):.1e}", flush=True)
    print(f"{cases} cases, {changed} other classes, largest difference {worst:.1e}")


def compare_one(weights, lines, shape, resize):
    from picturewise.exporting.onnx_file import onnx_file, opened
    from picturewise.exporting.parity import compare, generated
    from picturewise.prediction.classifier import Classifier
    from picturewise.prediction.description import Description
    from picturewise.preparing.preparation import Preparation

    pictures = generated(shape, 64)
    preparation = Preparation(mean=(120.0,) * shape[2], std=(60.0,) * shape[2])
    facts = {"layers": lines, "shape": shape, "resize": resize, "classes": tuple("abcdefghij")}
    plain = Classifier(weights, Description(**facts, preparation=preparation))
    # Probabilities of 0 and 1 would hide differences.
    temperature = max(1e-6, float(plain.logits(pictures).std()))
    classifier = Classifier(weights, Description(**facts, preparation=preparation, temperature=temperature))
    return compare(
        classifier,
        opened(onnx_file(classifier, {}, ""), classifier.description.target),
        pictures,
        "generated",
    )


def compare_run(place: str, data: str, out: Path) -> None:
    import picturewise
    from picturewise.exporting.onnx_file import onnx_file, opened

    run = picturewise.open_run(place)
    classifier = run.classifier().in_float32()  # as the file computes
    content = onnx_file(classifier, {}, "")
    predict = opened(content, classifier.description.target)
    dataset = picturewise.read_dataset(
        data, splits=["test"], size=classifier.description.shape[:2], resize=classifier.description.resize
    )
    test = dataset.split("test")
    images = np.asarray(test.images[:])
    expected = classifier.probabilities(images)
    found = np.concatenate([predict(images[at : at + 64]).probabilities for at in range(0, len(images), 64)])
    changed = int((expected.argmax(axis=1) != found.argmax(axis=1)).sum())
    print(
        f"{run.name}: {len(images):,} pictures, {changed} other classes, largest {np.abs(expected - found).max():.1e}"
    )
    (out / f"{run.name}.onnx").write_bytes(content)
    odd = np.stack([np.roll(image, 1, axis=0) for image in images[:MOST]])
    doubled = odd.repeat(2, axis=1).repeat(2, axis=2)[:, :-3, :-5]
    np.savez_compressed(
        out / f"{run.name}.npz",
        own=images[:MOST], own_expected=expected[:MOST], odd=doubled, odd_expected=classifier.probabilities(doubled),
    )  # fmt: skip


def compare_in_openvino(path: Path) -> None:
    import openvino

    core = openvino.Core()
    model = core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kept = np.load(path.with_suffix(".npz"))
    row = {"model": path.stem, "openvino": openvino.__version__}
    for kind in ("own", "odd"):
        images, expected = kept[kind], kept[f"{kind}_expected"]
        found = np.concatenate(
            [model({"images": images[at : at + 64]})["probabilities"] for at in range(0, len(images), 64)]
        )
        changed = (found.argmax(axis=1) != expected.argmax(axis=1)).mean()
        row[kind] = [len(images), float(np.abs(found - expected).max()), float(changed)]
    print(json.dumps(row))


if __name__ == "__main__":
    sys.exit(main())
