"""The shortest fastai program that says what is on a picture.

Usage: python fastai_picture.py MODEL PICTURE
"""

import sys

import numpy as np
import torch
from fastai.learner import load_learner
from PIL import Image

learner = load_learner(sys.argv[1])
picture = np.asarray(Image.open(sys.argv[2]), np.float32) / 255  # (H, W)
with torch.no_grad():
    probabilities = learner.model.eval()(torch.from_numpy(picture)[None, None]).softmax(dim=1)[0]
print(int(probabilities.argmax()), f"{float(probabilities.max()):.1%}")
