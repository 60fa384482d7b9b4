"""The shortest scikit-learn program that says what is on a picture.

Usage: python sklearn_picture.py MODEL PICTURE
"""

import sys

import joblib
import numpy as np
from PIL import Image

model = joblib.load(sys.argv[1])
picture = np.asarray(Image.open(sys.argv[2]), np.float32) / 255  # (H, W)
probabilities = model.predict_proba(picture.reshape(1, -1))[0]
print(int(probabilities.argmax()), f"{float(probabilities.max()):.1%}")
