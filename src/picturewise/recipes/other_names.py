"""What options are called in other libraries: Keras, PyTorch, Lightning, fastai, scikit-learn, and in conversation.

Only names that are too different from a recipe's key to be recognised by their spelling.
"""

from __future__ import annotations

from collections.abc import Mapping

_NAMES: Mapping[str, str] = {
    "training.learning_rate": "lr rate lr_max max_lr base_lr lr0 initial_lr learning_rate_init step_size eta",
    "training.batch_size": "batch bs batchsize minibatch mini_batch train_batch_size",
    "training.epochs": "epoch n_epoch n_epochs num_epochs nb_epoch nb_epochs max_epochs max_iter",
    "training.steps": "n_steps num_steps max_steps iterations",
    "training.optimizer": "optim optimiser opt opt_func solver",
    "training.schedule": "scheduler sched lr_schedule lr_scheduler learning_rate_schedule policy",
    "training.momentum": "mom moms nesterov beta1 beta_1 betas",
    "training.beta2": "beta_2 rho",
    "training.weight_decay": "wd decay l2 l2_reg regularization regularisation kernel_regularizer",
    "training.clip_norm": "clip clipnorm clip_grad_norm max_grad_norm gradient_clip gradient_clip_val grad_clip",
    "training.ema": "use_ema ema_decay ema_momentum swa",
    "training.freeze": "frozen trainable freeze_backbone",
    "training.label_smoothing": "smoothing smooth eps",
    "training.class_weights": "class_weight balanced",
    "training.patience": "early_stopping earlystopping early_stop es_patience n_iter_no_change",
    "training.device": "gpu cuda accelerator",
    "training.precision": "amp dtype fp16 bf16 mixed_precision",
    "model.name": "arch architecture net network_name",
    "model.layers": "layer hidden_layer_sizes hidden",
    "model.head": "output_layer classifier_head",
    "model.initialisation": "initialization init initializer kernel_initializer",
    "start.source": "pretrained weights checkpoint init_from",
    "preparation.augmentation": "augment augmentations aug aug_transforms data_augmentation transform transforms",
    "preparation.grey": "gray grayscale greyscale",
    "preparation.views": "tta test_time_augmentation",
    "data.size": "image_size img_size imgsz input_size input_shape target_size image_shape",
    "data.valid_fraction": "validation_split val_split valid_pct validation_fraction val_fraction val_size",
    "data.test_fraction": "test_split test_size",
    "data.limit": "subset max_samples limit_train_batches",
    "seed": "random_state random_seed manual_seed rng",
}
"""Key of a recipe → what else it is called."""

_KEYS = {name: key for key, names in _NAMES.items() for name in names.split()}

_LAYERS = {"dropout", "dropout_rate", "drop_rate", "batchnorm", "batch_norm", "activation", "softmax"}


def meant(name: str) -> str | None:
    """Return the key of a recipe that a name from elsewhere stands for, or None.

    >>> meant("lr"), meant("training.wd"), meant("--batch"), meant("epochs")
    ('training.learning_rate', 'training.weight_decay', 'training.batch_size', None)
    """
    return _KEYS.get(_plain(name))


def is_layer(name: str) -> bool:
    """Return whether a name is that of a layer, which is part of the network's lines and not an option of its own.

    >>> is_layer("dropout"), is_layer("momentum")
    (True, False)
    """
    return _plain(name) in _LAYERS


LAYER_HINT = "It is part of the network: write it as a layer line, as in layers='flatten; dropout 0.3'."
"""What to say if `is_layer`."""


def _plain(name: str) -> str:
    return name.strip().lstrip("-").rpartition(".")[2].replace("-", "_").lower()
