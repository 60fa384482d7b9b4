"""Picturewise reads a folder of class folders: into a store that PICTUREWISE_HOME names, then into memory.

Usage: python picturewise_import.py FOLDER
"""

import sys

import numpy as np

import picturewise

if __name__ == "__main__":  # it decodes in child processes
    dataset = picturewise.read_dataset(sys.argv[1])
    pictures = [np.array(part.images) for part in dataset.splits().values()]
    print(sum(map(len, pictures)))
