# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from stand_ins import write_street_digits

arrays = np.load(write_street_digits("street-digits.npz"))
x_train, y_train, x_test, y_test = (arrays[name] for name in ("x_train", "y_train", "x_test", "y_test"))
x_train.shape, x_test.shape, np.unique(y_train, return_counts=True)


# %%
def show_samples(images, labels, count=10):
    chosen = np.random.default_rng(0).choice(len(images), count, replace=False)
    figure, axes = plt.subplots(1, count, figsize=(1.2 * count, 1.6))
    for axis, number in zip(axes, chosen, strict=True):
        axis.imshow(images[number], cmap="gray")
        axis.set_title(labels[number])
        axis.axis("off")
    plt.show()


show_samples(x_train, y_train)

# %%
grey_train, grey_test = (images.mean(axis=-1, keepdims=True) / 255 for images in (x_train, x_test))
grey_train.shape

# %%
show_samples(grey_train, y_train)


# %%
def train(name, model, learning_rate):
    model.compile(
        keras.optimizers.Adam(learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.summary()
    callbacks = [
        keras.callbacks.ModelCheckpoint(f"{name}.keras", monitor="val_accuracy", save_best_only=True),
        keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=5),
    ]
    return model.fit(
        grey_train, y_train, batch_size=128, epochs=30, validation_split=0.1, callbacks=callbacks
    ).history


mlp = keras.Sequential(
    [
        keras.Input((32, 32, 1)),
        keras.layers.Flatten(),
        keras.layers.Dense(1024, activation="relu"),
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dense(256, activation="relu"),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
mlp_history = train("mlp", mlp, 0.0005)


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


plot_curves(mlp_history)

# %%
mlp_history["loss"][-1]

# %%
mlp = keras.models.load_model("mlp.keras")
mlp.evaluate(grey_test, y_test)

# %%
cnn = keras.Sequential(
    [
        keras.Input((32, 32, 1)),
        keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.MaxPooling2D(),
        keras.layers.Dropout(0.3),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
cnn_history = train("cnn", cnn, 0.001)

# %%
plot_curves(cnn_history)

# %%
cnn = keras.models.load_model("cnn.keras")
cnn.evaluate(grey_test, y_test)

# %%
{name: model.count_params() for name, model in (("mlp", mlp), ("cnn", cnn))}


# %%
def plot_predictions(model, count=5):
    chosen = np.random.default_rng(0).choice(len(grey_test), count, replace=False)
    probabilities = model.predict(grey_test[chosen])
    figure, axes = plt.subplots(count, 2, figsize=(8, 2 * count))
    for (left, right), number, row in zip(axes, chosen, probabilities, strict=True):
        left.imshow(grey_test[number], cmap="gray")
        left.set_title(f"{y_test[number]}, predicted {row.argmax()}")
        left.axis("off")
        right.bar(range(10), row)
        right.set_xticks(range(10))
        right.set_ylim(0, 1)
    plt.tight_layout()
    plt.show()


plot_predictions(mlp)

# %%
plot_predictions(cnn)

# %%
probabilities = cnn.predict(grey_test[:1])
probabilities.argmax(axis=1), probabilities.round(3)

# %%
probabilities = cnn.predict(grey_test)
wrong = np.flatnonzero(probabilities.argmax(axis=1) != y_test)
worst = wrong[np.argsort(probabilities[wrong, y_test[wrong]])[:10]]
figure, axes = plt.subplots(2, 5, figsize=(10, 5))
for axis, number in zip(axes.flat, worst, strict=False):
    axis.imshow(grey_test[number], cmap="gray")
    axis.set_title(f"{y_test[number]}, predicted {probabilities[number].argmax()}")
    axis.axis("off")
plt.show()
