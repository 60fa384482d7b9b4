# %%
import keras
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from stand_ins import write_street_digits

images, labels = load_digits(return_X_y=True)
images = np.asarray(keras.ops.image.resize(images.reshape(-1, 8, 8, 1) / 16, (28, 28)))
x_train, x_test, y_train, y_test = train_test_split(
    images, labels, test_size=0.2, stratify=labels, random_state=0
)
x_train.shape, x_test.shape, np.unique(y_train, return_counts=True)


# %%
def train(model, epochs, images=x_train, labels=y_train):
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    model.fit(images, labels, batch_size=64, epochs=epochs, validation_split=0.1)


dense = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dense(256, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
train(dense, 6)
dense.evaluate(x_test, y_test)

# %%
keras.utils.plot_model(dense, "dense.png", show_shapes=True)

# %%
cnn = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Dropout(0.25),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
train(cnn, 3)
cnn.evaluate(x_test, y_test)

# %%
keras.utils.plot_model(cnn, "cnn.png", show_shapes=True)

# %%
vgg = keras.Sequential([keras.Input((28, 28, 1))])
for channels in (32, 64):
    for _ in range(2):
        vgg.add(keras.layers.Conv2D(channels, 3, padding="same", use_bias=False))
        vgg.add(keras.layers.BatchNormalization())
        vgg.add(keras.layers.Activation("relu"))
    vgg.add(keras.layers.MaxPooling2D())
vgg.add(keras.layers.Flatten())
vgg.add(keras.layers.Dense(256, activation="relu"))
vgg.add(keras.layers.Dropout(0.5))
vgg.add(keras.layers.Dense(10, activation="softmax"))
train(vgg, 3)
vgg.evaluate(x_test, y_test)

# %%
keras.utils.plot_model(vgg, "vgg.png", show_shapes=True)


# %%
def residual_block(inputs, channels, stride):
    shortcut = inputs
    outputs = keras.layers.Conv2D(channels, 3, stride, padding="same", use_bias=False)(inputs)
    outputs = keras.layers.BatchNormalization()(outputs)
    outputs = keras.layers.Activation("relu")(outputs)
    outputs = keras.layers.Conv2D(channels, 3, padding="same", use_bias=False)(outputs)
    outputs = keras.layers.BatchNormalization()(outputs)
    if stride > 1:
        shortcut = keras.layers.Conv2D(channels, 1, stride, use_bias=False)(inputs)
        shortcut = keras.layers.BatchNormalization()(shortcut)
    return keras.layers.Activation("relu")(keras.layers.Add()([outputs, shortcut]))


inputs = keras.Input((28, 28, 1))
outputs = keras.layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
outputs = keras.layers.BatchNormalization()(outputs)
outputs = keras.layers.Activation("relu")(outputs)
for channels in (16, 32, 64):
    for block in range(3):
        outputs = residual_block(outputs, channels, 2 if channels > 16 and block == 0 else 1)
features = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(outputs))

arrays = np.load(write_street_digits("street-digits.npz"))
colour = np.asarray(keras.ops.image.resize(arrays["x_train"].mean(axis=-1, keepdims=True) / 255, (28, 28)))
first = keras.Sequential([features, keras.layers.Dense(10, activation="softmax")])
train(first, 1, colour, arrays["y_train"])
resnet = keras.Sequential([features, keras.layers.Dense(10, activation="softmax")])
train(resnet, 3)
resnet.evaluate(x_test, y_test)

# %%
keras.utils.plot_model(features, "resnet.png", show_shapes=True)

# %%
scores = {
    name: model.evaluate(x_test, y_test)
    for name, model in (("dense", dense), ("cnn", cnn), ("vgg", vgg), ("resnet", resnet))
}
pd.DataFrame(scores, index=["loss", "accuracy"]).T
