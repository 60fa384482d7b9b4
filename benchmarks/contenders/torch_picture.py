"""The shortest PyTorch program that says what is on a picture.

Usage: python torch_picture.py MODEL PICTURE
"""

import sys

import numpy as np
import torch
from PIL import Image
from torch_network import network

saved = torch.load(sys.argv[1])
model = network(saved["layers"])
model.load_state_dict(saved["weights"])
model.eval()
picture = np.asarray(Image.open(sys.argv[2]), np.float32) / 255  # (H, W)
with torch.no_grad():
    probabilities = model(torch.from_numpy(picture)[None, None]).softmax(dim=1)[0]
print(int(probabilities.argmax()), f"{float(probabilities.max()):.1%}")
