"""CIFAR-10's network of the study `mnist-cifar10-cnn` in Keras, on the same JPEG pictures, as its author trained it.

    KERAS_BACKEND=torch python benchmarks/keras_cifar10.py FOLDER --seeds 0 1 2

FOLDER has `train` and `test` with a folder for each class. All training pictures are used, divided by 255, in batches
of 100 for seven epochs of Adam with a learning rate of 0.001, Keras' default; the weights start as Keras begins. The
test pictures are evaluated once, after the last epoch. Run in the environment of the peers (requirements.txt), beside

    picturewise study mnist-cifar10-cnn --as-published --only cifar10 --data cifar10=FOLDER --seeds 3

Prints a row for each seed: test accuracy and loss, training accuracy of the last epoch, processor seconds.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import keras
import numpy as np
from PIL import Image


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--limit", type=int)
    asked = parser.parse_args()
    pictures, labels = read(asked.folder / "train", asked.limit)
    test_pictures, test_labels = read(asked.folder / "test", asked.limit)
    print(
        f"{len(pictures):,} and {len(test_pictures):,} pictures, Keras {keras.__version__} on {keras.backend.backend()}"
    )
    for seed in asked.seeds:
        keras.utils.set_random_seed(seed)
        model = network()
        began = time.process_time()
        history = model.fit(pictures, labels, batch_size=100, epochs=asked.epochs, verbose=0)
        seconds = time.process_time() - began
        loss, accuracy = model.evaluate(test_pictures, test_labels, batch_size=1000, verbose=0)
        learned = history.history["accuracy"][-1]
        print(
            f"seed {seed}: {accuracy:.4f}, loss {loss:.4f}; train {learned:.4f}; {seconds:.0f} CPU s",
            flush=True,
        )


def read(folder: Path, limit: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures (N, 32, 32, 3) in 0 to 1 and the numbers of their classes, in an order that mixes the classes."""
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    files = [
        (path, number) for number, name in enumerate(classes) for path in sorted((folder / name).iterdir())
    ]
    order = np.random.default_rng(0).permutation(len(files))[:limit]
    pictures = np.stack([np.asarray(Image.open(files[at][0])) for at in order]).astype(np.float32) / 255
    return pictures, np.array([files[at][1] for at in order])


def network() -> keras.Model:
    """Return the compiled network."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for filters in (32, 64):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
        model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(512, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


if __name__ == "__main__":
    main()
