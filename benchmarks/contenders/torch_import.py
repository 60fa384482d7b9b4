"""The usual PyTorch way to read a folder of class folders: a Dataset that opens each file with Pillow, a DataLoader.

Usage: python torch_import.py FOLDER WORKERS
"""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset


class Folders(Dataset):
    """What torchvision's ImageFolder does, with pictures left uint8, which spares it the way to floats."""

    def __init__(self, folder: Path) -> None:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
        self.files = [
            (path, label) for label, name in enumerate(names) for path in sorted((folder / name).iterdir())
        ]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        path, label = self.files[place]
        with Image.open(path) as picture:
            return torch.from_numpy(np.array(picture.convert("RGB"))), label


if __name__ == "__main__":
    loader = DataLoader(Folders(Path(sys.argv[1])), batch_size=256, num_workers=int(sys.argv[2]))
    pictures = torch.cat([images for images, _ in loader])
    print(len(pictures))
