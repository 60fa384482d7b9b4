# %%
import pickle
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from stand_ins import write_pickle, write_pixel_csv, write_street_digits

images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8, 1) / 16
x_train, x_test, y_train, y_test = train_test_split(
    images, labels, test_size=0.2, stratify=labels, random_state=0
)
x_train.shape, x_test.shape, np.unique(y_train, return_counts=True)


# %%
def plot_classes(images, labels, count=10):
    figure, axes = plt.subplots(10, count + 1, figsize=(count + 1, 10))
    for label, row in enumerate(axes):
        of_class = images[labels == label]
        row[0].imshow(of_class.mean(axis=0), cmap="gray")
        row[0].set_ylabel(label)
        for axis, image in zip(row[1:], of_class, strict=False):
            axis.imshow(image, cmap="gray")
        for axis in row:
            axis.set_xticks([])
            axis.set_yticks([])
    plt.show()


plot_classes(x_train, y_train)


# %%
def small_cnn():
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def train(model, images, labels, epochs, batch_size):
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    return model.fit(images, labels, batch_size=batch_size, epochs=epochs, validation_split=0.1).history


model = small_cnn()
history = train(model, x_train, y_train, 5, 128)


# %%
def plot_curves(history):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4))
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        axis.plot(history[name], label="training")
        axis.plot(history[f"val_{name}"], label="validation")
        axis.set_xlabel("epoch")
        axis.set_ylabel(name)
        axis.legend()
    plt.show()


plot_curves(history)

# %%
model.evaluate(x_test, y_test)

# %%
folder = write_pixel_csv("digit-recognizer")
table = pd.read_csv(folder / "train.csv")
pixels = table.drop(columns="label").to_numpy().reshape(-1, 8, 8, 1) / 255
kaggle_train, kaggle_test, kaggle_y_train, kaggle_y_test = train_test_split(
    pixels, table["label"].to_numpy(), test_size=0.2, stratify=table["label"], random_state=0
)
kaggle = small_cnn()
train(kaggle, kaggle_train, kaggle_y_train, 5, 128)
kaggle.evaluate(kaggle_test, kaggle_y_test)

# %%
unlabelled = pd.read_csv(folder / "test.csv").to_numpy().reshape(-1, 8, 8, 1) / 255
predictions = kaggle.predict(unlabelled).argmax(axis=1)
submission = pd.DataFrame({"ImageId": np.arange(1, len(predictions) + 1), "Label": predictions})
submission.to_csv("submission.csv", index=False)
predictions[:3]

# %%
print(Path("submission.csv").read_text()[:40])

# %%
arrays = np.load(write_street_digits("street-digits.npz"))
colour_train, colour_test = arrays["x_train"] / 255, arrays["x_test"] / 255
plot_classes(colour_train, arrays["y_train"])


# %%
def colour_cnn():
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Dropout(0.25),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
            keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Dropout(0.25),
            keras.layers.Flatten(),
            keras.layers.Dense(512, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


colour = colour_cnn()
colour_history = train(colour, colour_train, arrays["y_train"], 7, 100)

# %%
plot_curves(colour_history)

# %%
colour.evaluate(colour_test, arrays["y_test"])

# %%
with write_pickle("cifar10.pickle").open("rb") as file:
    pickled = pickle.load(file)
normalised = colour_cnn()
train(normalised, pickled["x_train"], pickled["y_train"], 7, 100)
normalised.evaluate(pickled["x_test"], pickled["y_test"])

# %%
chosen = np.random.default_rng(0).choice(len(pickled["x_test"]), 5, replace=False)
figure, axes = plt.subplots(5, 2, figsize=(8, 10))
for (left, right), number, row in zip(
    axes, chosen, normalised.predict(pickled["x_test"][chosen]), strict=True
):
    image = pickled["x_test"][number] * pickled["std_image"] + pickled["mean_image"]
    left.imshow(image.clip(0, 1))
    left.set_title(f"{pickled['y_test'][number]}, predicted {row.argmax()}")
    left.axis("off")
    right.bar(range(10), row)
    right.set_xticks(range(10))
    right.set_ylim(0, 1)
plt.tight_layout()
plt.show()
