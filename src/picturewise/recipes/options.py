"""The tables of a recipe: the network, its initial weights, the preparation of pictures, and the training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

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
        description="Name of a network, such as 'cnn', 'mlp 256 128' or 'resnet18'; empty: the network consists of "
        "layers or is a Python class.",
    )
    layers: tuple[str, ...] | None = Field(
        default=None,
        description="Layer lines; none: the layers of the named network for the size of the pictures.",
    )
    head: str | None = Field(
        default=None,
        description="Output layer for sequences of symbols, such as 'numbers 5', which can also be the last layer "
        "line; none: as many places as the longest sequence has, and for classes the usual output layer.",
    )
    initialisation: Literal["he", "dirac"] = Field(
        default="he",
        description="He: random weights, scaled to the number of inputs. Dirac: in addition, convolutions outside "
        "residual blocks start as the identity, channel by channel.",
    )


class StartOptions(BaseModel):
    """The weights that the first layers start with; without a source, all are drawn from the seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str | None = Field(
        default=None,
        min_length=1,
        description="A run folder, a classifier file, or published weights such as 'resnet18', 'resnet18 from FILE' "
        "or 'timm NAME from FILE'; the layer line 'pretrained resnet18' sets it too.",
    )
    sha256: str | None = Field(
        default=None,
        description="Required SHA-256 of the weights; none: any weights are accepted, and the run records their "
        "SHA-256.",
    )
    lines: int | None = Field(
        default=None,
        ge=1,
        description="Number of layer lines that start with the source's weights; none: all layers of the source, "
        "which are put before the other layers.",
    )
    head: Literal["new", "keep"] = Field(
        default="new",
        description="New: a new output layer. Keep: the output layer is also kept, class by class; new classes start "
        "with far lower logits than the old ones, and added layers start as the identity, so that the network "
        "initially predicts as before.",
    )
    statistics: Literal["source", "data"] | None = Field(
        default=None,
        description="The mean and standard deviation that pictures are normalised with: those that the weights were "
        "trained with, or those of the data; none: those of the data if a run's weights get a new output layer, "
        "otherwise those of the source.",
    )


class PreparationOptions(BaseModel):
    """How every picture is prepared, both in training and in prediction."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grey: bool = Field(default=False, description="Average the colour channels into one channel.")
    augmentation: tuple[str, ...] | None = Field(
        default=None,
        description="Augmentation lines for training; empty: no augmentation; omitted: mild augmentation that suits "
        "the data.",
    )
    views: tuple[str, ...] = Field(
        default=(),
        description="Additional views of each picture, 'mirror' and 'shift 1', whose logits are averaged with those "
        "of the picture in prediction, and in the validation of the last two epochs (of all, with patience or folds).",
    )


class TrainingOptions(BaseModel):
    """How the network is trained; omitted values are derived from the data and written to the run's recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: Epochs | None = Field(
        default=None,
        description="Passes over the training split; none: 5 to 50, depending on its size. 0 extends a network "
        "without training.",
    )
    steps: int | None = Field(
        default=None,
        ge=1,
        description="Approximate number of batches to train on, if epochs is omitted; none: 1,500, or 700 of muon.",
    )
    batch_size: BatchSize | None = Field(
        default=None,
        description="Pictures per step; none: 16 to 128, depending on the sizes of the training split and the "
        "network, or 256 if an epoch has more pictures than 128 times the steps.",
    )
    optimizer: OptimizerName | None = Field(
        default=None,
        description="None: adamw, or sgd with the engine numpy. Muon: updates the hidden weight matrices; the first "
        "layer, the output layer, biases and normalisation layers are updated by adamw.",
    )
    learning_rate: Positive | None = Field(
        default=None,
        description="The highest learning rate of the schedule; none: a typical value for the optimizer. With muon, "
        "this is the rate of muon, and the rate of adamw is a quarter of it.",
    )
    schedule: Literal["constant", "cosine", "one-cycle"] = Field(
        default="one-cycle",
        description="How the learning rate changes: not at all, down to 0 along a cosine curve, or up and then down.",
    )
    momentum: Share | None = Field(
        default=None,
        description="Momentum of sgd, rmsprop and muon, or the first beta of adam and adamw; none: 0.9, but 0 for "
        "rmsprop and 0.95 for muon.",
    )
    beta2: Share | None = Field(
        default=None,
        description="Decay of the running mean of squared gradients, for adam, adamw and rmsprop; none: 0.999, but "
        "0.99 for rmsprop.",
    )
    weight_decay: NotNegative | None = Field(
        default=None,
        description="Weight decay, which does not apply to biases and normalisation layers; none: 0.01 for adamw and "
        "muon, otherwise 0.",
    )
    clip_norm: Positive | None = Field(
        default=None,
        description="Gradients with a larger norm are scaled down to this norm; none: gradients are not clipped.",
    )
    ema: Share | None = Field(
        default=None,
        description="Decay of a moving average of the weights, such as 0.999; the average is validated and saved "
        "instead of the weights. None: no averaging.",
    )
    freeze: Literal["none", "backbone"] = Field(
        default="none", description="Backbone: the layers with pretrained weights are not trained."
    )
    unfreeze_epoch: int | None = Field(
        default=None,
        ge=2,
        description="The first epoch in which frozen layers are also trained; none: they stay frozen.",
    )
    unfreeze_gradually: bool = Field(
        default=False,
        description="Starting with unfreeze_epoch, one more layer is trained in each epoch, from the last layer to "
        "the first.",
    )
    backbone_rate: Positive | None = Field(
        default=None,
        description="Factor by which the learning rate is multiplied for layers with pretrained weights; none: 0.1 "
        "for published weights below a new output layer, otherwise 1.",
    )
    freeze_statistics: bool | None = Field(
        default=None,
        description="Whether normalisation in layers with pretrained weights keeps its mean and variance while these "
        "layers are trained; none: yes for published weights below a new output layer, otherwise no.",
    )
    head_fit: Literal["steps", "regression"] | None = Field(
        default=None,
        description="How a new output layer above frozen layers is trained in the first epoch. Regression: all at "
        "once, by logistic regression on the output of the frozen layers, without augmentation; the regularisation is "
        "chosen by cross-validation. Steps: by the optimizer, like other layers. None: regression if only the output "
        "layer is trained and no option for the steps is set.",
    )
    label_smoothing: Share = Field(
        default=0.0, description="Share of the target probability that is spread over all classes."
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="Balanced: rare classes have larger weights, N / (classes · pictures of the class).",
    )
    folds: int | None = Field(
        default=None,
        ge=0,
        le=20,
        description="Folds for cross-validation instead of a validation split: as many networks are trained, each "
        "without one fold, which it is validated on, and finally one network on all pictures. 0: a validation split. "
        "None: 5 if there is no validation split and only 10 to 999 training pictures, with at least 5 of each class.",
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        description="Stop when validation accuracy has not improved for this many epochs; none: never.",
    )
    keep: Literal["best", "last"] = Field(
        default="best",
        description="The epoch whose network becomes the classifier. Best: that with the highest validation accuracy; "
        "its probabilities are calibrated on the validation pictures. Last: the last epoch, without calibration. With "
        "folds, best means that they choose the number of epochs, and both are calibrated.",
    )
    checkpoint_minutes: Positive = Field(
        default=10,
        description="Maximum number of minutes between checkpoints within an epoch; a checkpoint is also saved after "
        "each epoch.",
    )
    engine: Literal["torch", "numpy"] = Field(
        default="torch",
        description="Numpy: the reference implementation, for learning and checking; it supports only sgd and "
        "float32, and no frozen layers.",
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Auto: a GPU if one is available."
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="Threads of each operation on a processor; none: 1 for small networks and with shards, otherwise "
        "all cores.",
    )
    shards: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Parts of a batch, computed one by one or by several workers, and added in a fixed order: a power "
        "of two. The weights are equal, bit for bit, for every number of workers that divides it. None: batches "
        "are computed as a whole, or in 8 parts with several workers.",
    )
    distributed: Literal["exact", "fast"] = Field(
        default="exact",
        description="How several workers divide a batch. Exact: in shards, so that the weights do not depend on their "
        "number, bit for bit. Fast: one part for each worker; only rounding and the noise of dropout depend on their "
        "number.",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Number format of the forward and backward passes, and on a processor with OpenVINO also of "
        "validation and the classifier, unless that changes many answers; auto: bfloat16 if the processor or GPU is "
        "fast at it.",
    )

    @field_validator("shards")
    @classmethod
    def _is_power_of_two(cls, shards: int | None) -> int | None:
        if shards is not None and shards & (shards - 1):
            raise PydanticCustomError("power_of_two", "Input should be a power of two, such as 8")
        return shards

    @field_validator("folds")
    @classmethod
    def _is_no_single_fold(cls, folds: int | None) -> int | None:
        if folds == 1:
            raise PydanticCustomError("one_fold", "Input should be 0 for a validation split, or at least 2")
        return folds
