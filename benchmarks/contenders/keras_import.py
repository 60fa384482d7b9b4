"""Keras reads a folder of class folders with `image_dataset_from_directory`, by grain, which needs no TensorFlow.

Usage: python keras_import.py FOLDER
"""

import sys
from pathlib import Path

import keras
import numpy as np
from PIL import Image

folder = sys.argv[1]
with Image.open(next(Path(folder).glob("*/*"))) as first:
    width, height = first.size
dataset = keras.utils.image_dataset_from_directory(
    folder, image_size=(height, width), batch_size=256, shuffle=False, format="grain", verbose=False
)
pictures = np.concatenate([keras.ops.convert_to_numpy(images) for images, _ in dataset])
print(len(pictures))
