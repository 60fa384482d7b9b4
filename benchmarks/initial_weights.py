"""Which rule for initial weights, and which inputs: validation accuracy of small networks, several seeds.

    python benchmarks/initial_weights.py --work FOLDER --data mnist=PATH cifar10=PATH --out results.csv

The rules differ only for layers that are not followed by a normalisation, directly or after max pooling:

    he          N(0, gain²/fan-in), gain √2 before relu (He et al., 2015)
    glorot      uniform with variance 2/(fan-in + fan-out) (Glorot and Bengio, 2010), as Keras begins
    he-output   as he, but the output layer a tenth as large
    glorot-conv convolutions as glorot, dense layers as he
    mean-conv   convolutions N(0, 2 gain²/(fan-in + fan-out)), which is he if both are equal; dense layers as he

The inputs are standardised, or only divided by 255 (`unit`). Each network is trained on the train split without
augmentation and measured on the validation split after every epoch; the test split is not read. `--limit` trains on
fewer pictures. `--whole` trains on the pictures of both splits and measures on the test split after the last epoch: how
the rule that was chosen does in the form in which figures are published, not for choosing one.
"""

from __future__ import annotations

import argparse
import csv
import math
import resource
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from picturewise import read_dataset
from picturewise.architectures.named import named_lines
from picturewise.data.splitting.hold_out import rejoined
from picturewise.data.splitting.subset import limited
from picturewise.networks import initialise
from picturewise.preparing import preparation
from picturewise.recipes.recipe import make_recipe
from picturewise.training import make_learner

STUDY = ["conv 32 3x3 relu", "maxpool 2", "flatten", "dense 128 relu"]
DEEP = [
    *("conv 32 3x3 relu", "conv 32 3x3 relu", "maxpool 2", "dropout 0.25"),
    *("conv 64 3x3 relu", "conv 64 3x3 relu", "maxpool 2", "dropout 0.25"),
    *("flatten", "dense 512 relu", "dropout 0.5"),
]
ADAM = {"optimizer": "adam", "learning_rate": 0.001, "schedule": "constant", "batch_size": 128, "epochs": 5}
PLAIN_VGG = [line for line in named_lines("vgg11", (32, 32, 3)) if line != "batchnorm"]
CASES = {
    "study": ("mnist", {"layers": STUDY}, ADAM),
    "deep": ("cifar10", {"layers": DEEP}, ADAM | {"epochs": 7}),
    "mlp": ("mnist", {"name": "mlp"}, {"epochs": 5}),
    "mlp-tanh": ("mnist", {"layers": ["flatten", "dense 256 tanh", "dense 256 tanh"]}, ADAM),
    "plain-sgd": ("mnist", {"layers": STUDY}, {"optimizer": "sgd", "epochs": 5}),
    "cnn": ("mnist", {"name": "cnn"}, {"epochs": 2}),
    "small-cnn": ("cifar10", {"name": "small-cnn"}, {"epochs": 3}),
    "plain-vgg11": ("cifar10", {"layers": PLAIN_VGG}, ADAM | {"epochs": 6, "learning_rate": 0.0003}),
    "vgg11": ("cifar10", {"name": "vgg11"}, {"epochs": 3}),
    "resnet20": ("cifar10", {"name": "resnet20"}, {"epochs": 3}),
}
"""Name → data set, network, options of training."""
RULES = ("he", "glorot", "he-output", "glorot-conv", "mean-conv")
_NORMALISATION = (nn.BatchNorm2d, nn.BatchNorm1d, nn.GroupNorm)
_drawn = initialise.initialise
_fitted = preparation.fit_preparation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", required=True, metavar="NAME=PATH")
    parser.add_argument("--cases", nargs="*", default=list(CASES))
    parser.add_argument("--rules", nargs="*", default=list(RULES))
    parser.add_argument("--inputs", nargs="*", default=["standard", "unit"])
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    places = dict(pair.split("=", 1) for pair in asked.data)
    sets = {}
    with asked.out.open("a", newline="") as file:
        rows = csv.writer(file)
        if file.tell() == 0:
            rows.writerow(
                ["case", "pictures", "rule", "inputs", "seed", "epoch", "accuracy", "loss", "seconds"]
            )
        for case in asked.cases:
            name, model, training = CASES[case]
            if name not in sets:
                dataset = (
                    whole(places[name])
                    if asked.whole
                    else read_dataset(places[name], splits=("train", "valid"))
                )
                sets[name] = dataset if asked.limit is None else limited(dataset, asked.limit, 0)
            for seed in asked.seeds:
                for rule in asked.rules:
                    for inputs in asked.inputs:
                        for epoch, accuracy, loss, seconds in trained(
                            sets[name], model, training, rule, inputs, seed, last=asked.whole
                        ):
                            found = [epoch, f"{accuracy:.5f}", f"{loss:.5f}", f"{seconds:.1f}"]
                            rows.writerow([case, len(sets[name].train), rule, inputs, seed, *found])
                        file.flush()
                        print(case, rule, inputs, seed, *found, flush=True)


def whole(place):
    """Return a data set that is trained on the pictures of train and valid, and measured on those of test."""
    dataset = read_dataset(place)
    return replace(rejoined(dataset), valid=dataset.split("test"), test=None)


def trained(dataset, model, training, rule, inputs, seed, *, last=False):
    """Yield epoch, validation accuracy and loss, and processor seconds."""
    make_learner.fit_preparation = as_unit if inputs == "unit" else _fitted
    from picturewise.networks import builder

    builder.initialise = lambda network, generator, dirac=False: drawn(network, generator, rule)
    recipe = make_recipe(
        {"seed": seed, "data": {}, "model": model, "preparation": {"augmentation": []}, "training": training}
    )
    learner, _ = make_learner.make_learner(recipe, dataset)
    began = used()
    with learner.learning():
        for epoch in range(1, learner.epochs + 1):
            order = learner.begin(epoch)
            for batch in range(learner.batches):
                learner.step(order, epoch, batch, learner.rate(epoch, batch))
            if epoch == learner.epochs or not last:
                _, loss, accuracy = learner.evaluate(dataset.valid)
                yield epoch, accuracy, loss, used() - began


def as_unit(pictures, *, grey):
    """Return the preparation that only divides by 255."""
    fitted = _fitted(pictures, grey=grey)
    return replace(fitted, mean=(0.0,) * len(fitted.mean), std=(255.0,) * len(fitted.std))


def drawn(network, generator, rule) -> None:
    """Draw the initial weights by a rule, where there is no normalisation."""
    _drawn(network, generator)
    modules = list(network)
    for index, module in enumerate(modules):
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        following = next((m for m in modules[index + 1 :] if not isinstance(m, nn.MaxPool2d)), None)
        if isinstance(following, _NORMALISATION):
            continue
        fan_in, fan_out = module.weight[0].numel(), module.weight[:, 0].numel()
        with torch.no_grad():
            if rule != "mean-conv" and isinstance(module, nn.Conv2d):
                module.weight.mul_(math.sqrt((fan_in + fan_out) / (2 * fan_in)))
            if rule == "glorot" or (rule == "glorot-conv" and isinstance(module, nn.Conv2d)):
                limit = math.sqrt(6 / (fan_in + fan_out))
                module.weight.uniform_(-limit, limit, generator=generator)
            elif rule == "he-output" and index == len(modules) - 1:
                module.weight.mul_(0.1)


def used() -> float:
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


if __name__ == "__main__":
    main()
