# %%
import h5py
import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from stand_ins import write_grey_h5

with h5py.File(write_grey_h5("street-digits.h5")) as file:
    x_train, y_train, x_valid, y_valid, x_test, y_test = (
        file[f"{kind}_{split}"][:] for split in ("train", "val", "test") for kind in ("X", "y")
    )
x_train, x_valid, x_test = x_train / 255, x_valid / 255, x_test / 255
x_train.shape, x_valid.shape, x_test.shape, np.unique(y_train, return_counts=True)

# %%
figure, axes = plt.subplots(1, 10, figsize=(12, 1.6))
for axis, number in zip(axes, np.random.default_rng(0).choice(len(x_train), 10, replace=False), strict=True):
    axis.imshow(x_train[number], cmap="gray")
    axis.set_title(y_train[number])
    axis.axis("off")
plt.show()


# %%
def train(model, optimizer, epochs=20, batch_size=1000):
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    validation = (x_valid, y_valid)
    return model.fit(
        x_train, y_train, batch_size=batch_size, epochs=epochs, validation_data=validation
    ).history


def dense_network(normalised):
    model = keras.Sequential([keras.Input((32, 32)), keras.layers.Flatten()])
    for width in (4096, 1024, 256, 64, 16):
        model.add(keras.layers.Dense(width, activation="relu"))
        if normalised:
            model.add(keras.layers.BatchNormalization())
    model.add(keras.layers.Dense(10, activation="softmax"))
    return model


plain = dense_network(normalised=False)
plain_history = train(plain, keras.optimizers.SGD(0.001))

# %%
plain.summary()

# %%
plain.evaluate(x_test, y_test)


# %%
def plot_confusion(model):
    predicted = model.predict(x_test).argmax(axis=1)
    ConfusionMatrixDisplay.from_predictions(y_test, predicted, labels=range(10))
    plt.show()


plot_confusion(plain)

# %%
normalised = dense_network(normalised=True)
normalised_history = train(normalised, keras.optimizers.SGD(0.001))

# %%
normalised.summary()

# %%
normalised.evaluate(x_test, y_test)

# %%
plot_confusion(normalised)


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


plot_curves(plain_history)

# %%
plot_curves(normalised_history)

# %%
better = dense_network(normalised=True)
train(better, keras.optimizers.AdamW(0.001), epochs=5, batch_size=64)
better.evaluate(x_test, y_test)

# %%
cnn = keras.Sequential(
    [
        keras.Input((32, 32)),
        keras.layers.Reshape((32, 32, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
train(cnn, "adam", epochs=5, batch_size=64)
cnn.evaluate(x_test, y_test)
