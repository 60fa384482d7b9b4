"""The tables of a recipe: the network, its initial weights, the preparation of pictures, and the training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
Epochs = Annotated[int, Field(ge=0, le=100_000)]
BatchSize = Annotated[int, Field(ge=2, le=65_536)]
OptimizerName = Literal["sgd", "rmsprop", "adam", "adamw", "muon"]


class ModelOptions(BaseModel):
    """The network; `layers` takes precedence over `name`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # TOML does not have a word for none, so an empty string means none in a recipe's file.
    name: Annotated[str | None, BeforeValidator(lambda text: None if text == "" else text)] = Field(
        default="cnn",
        description="A network by name, such as 'cnn', 'mlp 256 128' or 'resnet18'; empty: layers, or a Python class.",
    )
    layers: tuple[str, ...] | None = Field(
        default=None,
        description="Layer lines; none: those of the named network for the size of the pictures.",
    )
    initialisation: Literal["he", "dirac"] = Field(
        default="he",
        description="He: weights drawn at random, scaled to the input. Dirac: convolutions outside residual "
        "blocks also start as the identity, channel by channel.",
    )


class StartOptions(BaseModel):
    """The weights that the first layers start with; without a source, all are drawn from the seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = Field(
        default=None,
        min_length=1,
        description="A run's folder, a classifier's file, published weights such as 'resnet18', 'resnet18 from "
        "FILE' or 'timm NAME from FILE'; the layer line 'pretrained resnet18' sets it too.",
    )
    sha256: str | None = Field(
        default=None, description="SHA-256 of the weights; none: any, and the run records that of the source."
    )
    lines: int | None = Field(
        default=None,
        ge=1,
        description="How many of the layer lines start with its weights; none: all its layers, which are put before "
        "the others.",
    )
    head: Literal["new", "keep"] = Field(
        default="new",
        description="Keep: the output layer is kept too, class by class; new classes start far below the others, and "
        "added layers start as the identity, so that the network predicts as before at first.",
    )
    statistics: Literal["source", "data"] | None = Field(
        default=None,
        description="The mean and deviation for normalising pictures: those that the weights were trained with, or the "
        "data's own; none: the data's own if a run's weights get a new output layer, otherwise the source's.",
    )


class PreparationOptions(BaseModel):
    """How every picture is prepared, both in training and in prediction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grey: bool = Field(default=False, description="Average the colour channels into one channel.")
    augmentation: tuple[str, ...] | None = Field(
        default=None,
        description="Augmentation lines for training; empty: none; omitted: gentle ones that suit the data.",
    )
    views: tuple[str, ...] = Field(
        default=(),
        description="'mirror' and 'shift 1': further views of a picture, whose logits are averaged with its own in "
        "validation and prediction.",
    )


class TrainingOptions(BaseModel):
    """How the network is trained; omitted values are derived from the data and written to the run's recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: Epochs | None = Field(
        default=None,
        description="Passes through the train split; none: 5 to 50, depending on its size. 0 extends a network "
        "without training.",
    )
    steps: int | None = Field(
        default=None,
        ge=1,
        description="About how many batches to train on, if epochs are omitted; none: 1,500.",
    )
    batch_size: BatchSize | None = Field(
        default=None,
        description="Pictures in each step; none: 16 to 128, depending on the sizes of the train split and the "
        "network, or 256 if an epoch has more pictures than 128 times the steps.",
    )
    optimizer: OptimizerName | None = Field(
        default=None,
        description="None: adamw, or sgd with the engine numpy. Muon: for the hidden matrices; the first layer, the "
        "output layer, biases and normalisations use adamw.",
    )
    learning_rate: Positive | None = Field(
        default=None,
        description="The highest rate of the schedule; none: a usual one for the optimizer. With muon, it is muon's "
        "rate, and adamw's is a quarter of it.",
    )
    schedule: Literal["constant", "cosine", "one-cycle"] = Field(
        default="one-cycle",
        description="How the learning rate changes: not at all, down to 0 along a cosine, or up and then down.",
    )
    momentum: Share | None = Field(
        default=None,
        description="For sgd, rmsprop and muon; adam's first beta; none: 0.9, 0 for rmsprop, 0.95 for muon.",
    )
    beta2: Share | None = Field(
        default=None,
        description="How much of the running mean of squared gradients is kept in a step, for adam, adamw and rmsprop; "
        "none: 0.999, 0.99 for rmsprop.",
    )
    weight_decay: NotNegative | None = Field(
        default=None,
        description="For weights, not for biases and normalisations; none: 0.01 for adamw and muon, else 0.",
    )
    clip_norm: Positive | None = Field(
        default=None, description="Gradients with a larger norm are scaled down to it; none: never."
    )
    ema: Share | None = Field(
        default=None,
        description="Decay of a moving average of the weights, such as 0.999, which is validated and saved instead of "
        "them; none: the weights themselves.",
    )
    freeze: Literal["none", "backbone"] = Field(
        default="none", description="Backbone: the layers with pretrained weights stay unchanged."
    )
    unfreeze_epoch: int | None = Field(
        default=None, ge=2, description="The epoch from which frozen layers are trained too; none: never."
    )
    unfreeze_gradually: bool = Field(
        default=False,
        description="From that epoch on, one more layer is trained in each epoch, the last ones first.",
    )
    backbone_rate: Positive | None = Field(
        default=None,
        description="Multiple of the learning rate for layers with pretrained weights; none: 0.1 for published ones "
        "below a new output layer, else 1.",
    )
    head_fit: Literal["steps", "regression"] | None = Field(
        default=None,
        description="How a new output layer above frozen layers is trained in the first epoch. Regression: at once, by "
        "logistic regression on the output of the frozen layers, without augmentation; cross-validation chooses its "
        "regularisation. None: regression if only the output layer is trained and no other option describes the steps.",
    )
    label_smoothing: Share = Field(default=0.0, description="Share of the target spread over all classes.")
    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="Balanced: rare classes count more, N / (classes · pictures of the class).",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop when validation accuracy has not improved for this many epochs; none: never.",
    )
    checkpoint_minutes: Positive = Field(
        default=10,
        description="Maximum number of minutes between checkpoints within an epoch; one is also saved after each "
        "epoch.",
    )
    engine: Literal["torch", "numpy"] = Field(
        default="torch",
        description="Numpy: the reference network, for reading and checking; sgd, float32, no frozen layers.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Auto: a GPU if there is one.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="For the forward and backward pass; auto: bfloat16 if it is fast."
    )
