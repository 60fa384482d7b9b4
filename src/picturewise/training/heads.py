"""The output layer of a network for sequences of symbols: named in the recipe, or derived from the labels."""

from __future__ import annotations

from picturewise.architectures.heads import Columns, Numbers, split_head, target_name
from picturewise.architectures.layers import (
    BatchNorm,
    Conv,
    Dense,
    Flatten,
    GroupNorm,
    Layer,
    Pool,
    Shape,
    show,
)
from picturewise.architectures.lines import parse, parse_line, split_lines
from picturewise.architectures.named import named_lines
from picturewise.architectures.summary import summarise
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError, UsageError
from picturewise.preparing import augmentation
from picturewise.recipes.recipe import Recipe
from picturewise.targets.ctc import Ctc
from picturewise.targets.sequences import is_sequences, places_of

_BLENDS = {"cutmix": "pastes a part of another picture, which does not show a whole sequence"}
_BLENDS_IN_COLUMNS = _BLENDS | {"mixup": "blends two labels, which ctc cannot"}


def asked_head(recipe: Recipe) -> Recipe:
    """Return the recipe with an output layer for sequences moved from the end of its layer lines to `model.head`.

    Raises:
        UsageError: the recipe names two.
    """
    if recipe.model.layers is None:
        return recipe
    lines, head = split_head(tuple(split_lines(recipe.model.layers)))
    if head is None:
        return recipe
    if recipe.model.head not in {None, head}:
        raise UsageError(
            f"The last layer line is '{head}', but model.head is '{recipe.model.head}'. Remove one of them."
        )
    model = recipe.model.model_copy(update={"layers": lines, "head": head})
    return recipe.model_copy(update={"model": model})


def with_head(recipe: Recipe, train: ImageSet) -> Recipe:
    """Return the recipe with the output layer for the labels of train in `model.head`; for classes, there is none.

    Args:
        recipe: after `asked_head`, with the lines of the weights that it starts with.
        train: the train split, as it was read.

    Raises:
        UsageError: it names an output layer or an option that does not suit the labels.
        DataError: a label of train is longer than the named output layer allows.
    """
    head, longest = recipe.model.head, places_of(train.target)
    if longest is None:
        if head is None:
            return recipe
        raise UsageError(
            f"The output layer '{head}' reads sequences of symbols, but the labels are classes. Use --target sequence "
            "if they are sequences, or remove this line."
        )
    symbols = len(train.classes)
    layer = Numbers.of(longest, symbols) if head is None else parse_line(head, 1)
    if not isinstance(layer, Numbers | Columns):
        raise UsageError(
            f"The output layer '{head}' does not read sequences of symbols. Use 'numbers {longest}' or 'ctc'."
        )
    if head is not None and " of " in head and layer.symbols != symbols:
        raise UsageError(
            f"The output layer '{head}' is for {layer.symbols} symbols, but the labels have {symbols}. Omit 'of' and "
            "the number."
        )
    places = layer.places or longest
    if places < longest:
        raise _too_long(train, places, str(head), longest)
    _check_options(recipe, layer)
    if isinstance(layer, Numbers):
        return _with_model(recipe, head=Numbers.of(places, symbols).line)
    return _with_columns(recipe, train, layer, places)


def labelled_for(recipe: Recipe, part: ImageSet) -> ImageSet:
    """Return the pictures with their labels in the form of the recipe's output layer, see `with_head`.

    Raises:
        DataError: a label has more symbols than `ctc` has columns.
    """
    if recipe.model.head is None or not is_sequences(part.target):
        return part
    found = part.with_target(target_name(recipe.model.head))
    if isinstance(found.target, Ctc) and found.labels is not None:
        found.target.check_fit(found.labels, found.origin)
    return found


def _with_columns(recipe: Recipe, train: ImageSet, layer: Columns, places: int) -> Recipe:
    """Return the recipe with layer lines that end with maps, and with their columns in the output layer."""
    shape = _shape(recipe, train)
    lines, start = recipe.model.layers, recipe.start
    if lines is None:
        lines = _wide_enough(named_lines(recipe.model.name or "", shape), shape, 2 * places + 1)
    elif start.source is not None:
        lines = _columns_of(_maps_of(lines), shape, 2 * places + 1)
    line = Columns(symbols=len(train.classes)).line
    columns = summarise(parse(lines), shape, line).rows[-2].output[1] if lines else shape[1]
    if columns < places:
        raise UsageError(
            f"The output layer 'ctc' reads up to {places} symbols, but the last maps have only {columns} columns (the "
            f"pictures are {show(shape)}). Use less pooling, wider pictures, or 'numbers {places}'."
        )
    head = Columns(places, columns, len(train.classes), layer.beam).line
    found = _with_model(recipe, layers=lines, head=head, name=None)
    if start.lines is not None and start.lines > len(lines):
        found = found.model_copy(update={"start": start.model_copy(update={"lines": len(lines)})})
    return found


def _maps_of(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return layer lines up to the first one that gives up the maps."""
    layers = parse(lines)
    flat = [
        isinstance(layer, Flatten | Dense) or (isinstance(layer, Pool) and layer.size is None)
        for layer in layers
    ]
    return lines[: flat.index(True)] if True in flat else lines


def _columns_of(lines: tuple[str, ...], shape: Shape, wanted: int) -> tuple[str, ...]:
    """Return pretrained lines up to the pooling that leaves fewer than the wanted columns, or all of them.

    The line before it is often a convolution whose activation comes after the pooling, so it is left out, too. If not
    even the first lines have so many columns, none is left out.
    """
    rows = summarise(parse(lines), shape, Columns().line).rows[:-1]  # without the output layer
    wide = [row.output[1] >= wanted for row in rows]
    if all(wide) or not wide[0]:
        return lines
    layers = parse(lines)[: wide.index(False)]
    ends = [number for number, layer in enumerate(layers, 1) if not _waits(layer)]
    return lines[: ends[-1]] if ends else lines


def _waits(layer: Layer) -> bool:
    """Return whether an activation usually comes after a layer."""
    return isinstance(layer, BatchNorm | GroupNorm | Pool) or (
        isinstance(layer, Conv) and not layer.activation
    )


def _wide_enough(lines: tuple[str, ...], shape: Shape, wanted: int) -> tuple[str, ...]:
    """Return the lines of a named network without its last pooling layers, so that its maps have enough columns."""
    lines = _maps_of(lines)
    while True:
        rows = summarise(parse(lines), shape, Columns().line).rows
        pooling = [at for at, layer in enumerate(parse(lines)) if isinstance(layer, Pool)]
        if rows[-2].output[1] >= wanted or not pooling:
            return lines
        lines = (*lines[: pooling[-1]], *lines[pooling[-1] + 1 :])


def _shape(recipe: Recipe, train: ImageSet) -> Shape:
    """Return the shape of prepared pictures."""
    return (*train.shape[:2], 1 if recipe.preparation.grey else train.shape[2])


def _with_model(recipe: Recipe, **values: object) -> Recipe:
    return recipe.model_copy(update={"model": recipe.model.model_copy(update=values)})


def _check_options(recipe: Recipe, layer: Numbers | Columns) -> None:
    """Check that options suit labels that are sequences of symbols."""
    options = recipe.training
    if options.class_weights != "none":
        raise UsageError(
            "training.class_weights weighs classes, but the labels are sequences of symbols. Omit it."
        )
    if isinstance(layer, Columns) and options.label_smoothing:
        raise UsageError(
            f"training.label_smoothing is {options.label_smoothing:g}, but the loss of ctc has no labels to spread. "
            "Omit it, or use 'numbers'."
        )
    if isinstance(layer, Columns) and options.engine == "numpy":
        raise UsageError(
            "training.engine is 'numpy', which does not support 'ctc'. Omit it, or use 'numbers'."
        )
    unfit = _BLENDS_IN_COLUMNS if isinstance(layer, Columns) else _BLENDS
    for item in augmentation.parse(recipe.preparation.augmentation or ()):
        if item.kind in unfit:
            raise UsageError(f"'{item.line}' {unfit[item.kind]}. Remove this line.")


def _too_long(train: ImageSet, places: int, head: str, longest: int) -> DataError:
    at = int((train.required_labels[:, 0] > places).argmax())
    shown = train.target.text(train.required_labels[at])
    name = f"picture {at:,} (counted from 0)" if train.names is None else f"'{train.names[at]}'"
    return DataError(
        f"{train.origin}: {name} has the label '{shown}', but the output layer '{head}' reads at most {places} "
        f"symbols. Use 'numbers {longest}'."
    )
