# %%
import hashlib
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay, classification_report
from stand_ins import draw_photographs

photographs = draw_photographs("photographs")
options = dict(image_size=(64, 64), seed=0, label_mode="int", format="grain")
train_set, rest = keras.utils.image_dataset_from_directory(
    photographs, validation_split=0.3, subset="both", **options
)
classes = train_set.class_names


def as_arrays(batches):
    images, labels = zip(*batches, strict=True)
    return np.concatenate([np.asarray(x) for x in images]) / 255, np.concatenate(
        [np.asarray(y) for y in labels]
    )


x_train, y_train = as_arrays(train_set)
x_rest, y_rest = as_arrays(rest)
x_valid, y_valid, x_test, y_test = x_rest[::2], y_rest[::2], x_rest[1::2], y_rest[1::2]
x_train.shape, x_valid.shape, x_test.shape

# %%
plt.bar(classes, np.bincount(y_train))
plt.ylabel("training pictures")
plt.show()

# %%
figure, axes = plt.subplots(len(classes), 11, figsize=(11, len(classes)))
for label, row in enumerate(axes):
    of_class = x_train[y_train == label]
    row[0].imshow(of_class.mean(axis=0))
    row[0].set_ylabel(classes[label])
    for axis, image in zip(row[1:], of_class, strict=False):
        axis.imshow(image)
    for axis in row:
        axis.set_xticks([])
        axis.set_yticks([])
plt.show()

# %%
seen = {}
for path in sorted(Path(photographs).rglob("*.png")):
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest in seen:
        print(path, "equals", seen[digest])
    seen.setdefault(digest, path)

# %%
model = keras.Sequential(
    [
        keras.Input((64, 64, 3)),
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomTranslation(0.1, 0.1),
        keras.layers.Conv2D(32, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(128, 3, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(len(classes), activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
best = keras.callbacks.ModelCheckpoint("best.keras", monitor="val_accuracy", save_best_only=True)
history = model.fit(
    x_train, y_train, batch_size=16, epochs=8, validation_data=(x_valid, y_valid), callbacks=[best]
).history

# %%
model.summary()
figure, axes = plt.subplots(1, 2, figsize=(10, 4))
for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
    axis.plot(history[name], label="training")
    axis.plot(history[f"val_{name}"], label="validation")
    axis.set_xlabel("epoch")
    axis.set_ylabel(name)
    axis.legend()
plt.show()

# %%
model = keras.models.load_model("best.keras")
model.evaluate(x_test, y_test)
predicted = model.predict(x_test).argmax(axis=1)
print(classification_report(y_test, predicted, target_names=classes))

# %%
ConfusionMatrixDisplay.from_predictions(y_test, predicted, display_labels=classes)
plt.show()

# %%
paths = sorted((photographs / "circle").glob("*.png"))
images = [keras.utils.img_to_array(keras.utils.load_img(path, target_size=(64, 64))) / 255 for path in paths]
probabilities = model.predict(np.stack(images))
paths[0], classes[probabilities[0].argmax()], probabilities[0].max()

# %%
[classes[number] for number in model.predict(x_test[:4]).argmax(axis=1)]

# %%
model.save("shapes.keras")
keras.models.load_model("shapes.keras")
