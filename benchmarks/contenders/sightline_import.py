"""Sightline reads a folder of class folders: into a store that SIGHTLINE_HOME names, then into memory.

Usage: python sightline_import.py FOLDER
"""

import sys

import numpy as np

import sightline

if __name__ == "__main__":  # it decodes in child processes
    dataset = sightline.read_dataset(sys.argv[1])
    pictures = [np.array(part.images) for part in dataset.splits().values()]
    print(sum(map(len, pictures)))
