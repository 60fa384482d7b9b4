# %%
import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

images, labels = load_digits(return_X_y=True)
images = np.asarray(keras.ops.image.resize(images.reshape(-1, 8, 8, 1) / 16, (28, 28)))
x_train, x_test, y_train, y_test = train_test_split(
    images, labels, test_size=0.2, stratify=labels, random_state=0
)
x_train.shape, x_test.shape, np.unique(y_train, return_counts=True)

# %%
figure, axes = plt.subplots(1, 10, figsize=(12, 1.6))
for axis, number in zip(axes, np.random.default_rng(0).choice(len(x_train), 10, replace=False), strict=True):
    axis.imshow(x_train[number], cmap="gray")
    axis.set_title(y_train[number])
    axis.axis("off")
plt.show()


# %%
def dense_network(*layers):
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    for width, activation in layers:
        model.add(keras.layers.Dense(width, activation=activation))
    model.add(keras.layers.Dense(10, activation="softmax"))
    return model


def train(model, batch_size, epochs=5, learning_rate=0.001):
    optimizer = keras.optimizers.RMSprop(learning_rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    return model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, validation_split=0.1).history


relu = dense_network((512, "relu"), (512, "relu"))
history = train(relu, 256)

# %%
figure, axes = plt.subplots(1, 2, figsize=(10, 4))
for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
    axis.plot(history[name], label="training")
    axis.plot(history[f"val_{name}"], label="validation")
    axis.set_xlabel("epoch")
    axis.set_ylabel(name)
    axis.legend()
plt.show()

# %%
relu.evaluate(x_test, y_test)

# %%
tanh = dense_network((512, "relu"), (256, "relu"), (128, "tanh"))
train(tanh, 512)
tanh.evaluate(x_test, y_test)

# %%
sigmoid = dense_network((512, "relu"), (256, "relu"), (128, "sigmoid"))
train(sigmoid, 512)
sigmoid.evaluate(x_test, y_test)

# %%
small = {}
for width in (304, 172, 76):
    model = dense_network((width, "relu"), (width, "relu"))
    train(model, 256)
    small[f"{model.count_params():,}"] = model.evaluate(x_test, y_test)[1]
small

# %%
relu.save("relu.keras")
saved = keras.models.load_model("relu.keras")
extended = keras.Sequential([keras.Input((28, 28, 1)), *saved.layers[:-1]])
extended.add(keras.layers.Dense(512, activation="relu", kernel_initializer="identity"))
extended.add(saved.layers[-1])
train(extended, 256, epochs=2, learning_rate=0.0002)

# %%
extended.evaluate(x_test, y_test)

# %%
cnn = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
train(cnn, 64)
cnn.evaluate(x_test, y_test)

# %%
chosen = np.random.default_rng(0).choice(len(x_test), 5, replace=False)
figure, axes = plt.subplots(5, 2, figsize=(8, 10))
for (left, right), number, row in zip(axes, chosen, cnn.predict(x_test[chosen]), strict=True):
    left.imshow(x_test[number], cmap="gray")
    left.set_title(f"{y_test[number]}, predicted {row.argmax()}")
    left.axis("off")
    right.bar(range(10), row)
    right.set_xticks(range(10))
    right.set_ylim(0, 1)
plt.tight_layout()
plt.show()
