"""The output layer of a network for sequences of symbols: named in the recipe, or derived from the labels."""

from __future__ import annotations

from picturewise.architectures.heads import Numbers, split_head
from picturewise.architectures.lines import parse_line, split_lines
from picturewise.data.imageset import ImageSet
from picturewise.errors import DataError, UsageError
from picturewise.recipes.recipe import Recipe
from picturewise.targets.sequences import is_sequences, places_of


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

    Raises:
        UsageError: it names an output layer that does not suit the labels.
        DataError: a label of train is longer than the named output layer allows.
    """
    recipe = asked_head(recipe)
    head, longest = recipe.model.head, places_of(train.target)
    if longest is None:
        if head is None:
            return recipe
        raise UsageError(
            f"The output layer '{head}' reads sequences of symbols, but the labels are classes. Use --target sequence "
            "if they are sequences, or remove this line."
        )
    layer = Numbers.of(longest, len(train.classes)) if head is None else parse_line(head, 1)
    if not isinstance(layer, Numbers):
        raise UsageError(
            f"The output layer '{head}' does not read sequences of symbols. Use 'numbers {longest}'."
        )
    if layer.places < longest:
        at = int((train.required_labels[:, 0] > layer.places).argmax())
        shown = train.target.text(train.required_labels[at])
        name = f"picture {at:,} (counted from 0)" if train.names is None else f"'{train.names[at]}'"
        raise DataError(
            f"{train.origin}: {name} has the label '{shown}', but the output layer '{head}' reads at most "
            f"{layer.places} symbols. Use 'numbers {longest}'."
        )
    if head is not None and " of " in head and layer.symbols != len(train.classes):
        raise UsageError(
            f"The output layer '{head}' is for {layer.symbols} symbols, but the labels have {len(train.classes)}. Omit "
            "'of' and the number."
        )
    line = Numbers.of(layer.places, len(train.classes)).line
    return recipe.model_copy(update={"model": recipe.model.model_copy(update={"head": line})})


def labelled_for(recipe: Recipe, part: ImageSet) -> ImageSet:
    """Return the pictures with their labels in the form of the recipe's output layer, see `with_head`."""
    if recipe.model.head is None or not is_sequences(part.target):
        return part
    return part.with_target(" ".join(recipe.model.head.split()[:2]))
