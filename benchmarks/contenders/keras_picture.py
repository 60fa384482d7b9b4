"""The shortest Keras program that says what is on a picture; KERAS_BACKEND says which engine.

Usage: python keras_picture.py MODEL PICTURE
"""

import sys

import keras
import numpy as np
from PIL import Image

model = keras.saving.load_model(sys.argv[1])
picture = np.asarray(Image.open(sys.argv[2]), np.float32) / 255  # (H, W)
probabilities = model.predict(picture[None, :, :, None], verbose=0)[0]
print(int(probabilities.argmax()), f"{float(probabilities.max()):.1%}")
