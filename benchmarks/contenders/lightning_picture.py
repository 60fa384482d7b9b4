"""The shortest Lightning program that says what is on a picture.

Usage: python lightning_picture.py MODEL PICTURE
"""

import sys

import numpy as np
import torch
from lightning_module import Module
from PIL import Image

model = Module.load_from_checkpoint(sys.argv[1]).eval()
picture = np.asarray(Image.open(sys.argv[2]), np.float32) / 255  # (H, W)
with torch.no_grad():
    probabilities = model(torch.from_numpy(picture)[None, None]).softmax(dim=1)[0]
print(int(probabilities.argmax()), f"{float(probabilities.max()):.1%}")
