"""The titles, captions and alternative texts of the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from picturewise.targets.words import Nouns


@dataclass(frozen=True)
class Words:
    """The texts of a figure.

    Attributes:
        title: a few words.
        caption: what the figure shows, in a sentence or two.
        alt: a description for readers who cannot see it.
        has_pictures: whether it shows pictures of the data set.
    """

    title: str
    caption: str
    alt: str
    has_pictures: bool = False


def words_of(name: str, nouns: Nouns | None = None) -> Words:
    """Return the texts of a figure.

    Args:
        name: one of `WORDS`.
        nouns: the words for the sequences that the figure is about; None: it is about classes.
    """
    own = OF_SEQUENCES.get(name)
    if nouns is None or own is None:
        return WORDS[name]
    title, caption, alt = (
        text.replace("SEQUENCE", nouns.whole).replace("SYMBOL", nouns.symbol)
        for text in (own.title, own.caption, own.alt)
    )
    return Words(title[0].upper() + title[1:], caption[0].upper() + caption[1:], alt, own.has_pictures)


WORDS: Mapping[str, Words] = {
    "counts": Words(
        "Pictures of each class",
        "The number of pictures of each class in each split.",
        "One bar chart per split: the number of pictures of each class.",
    ),
    "number-lengths": Words(
        "Length of the numbers",
        "The number of pictures whose number has each length, in each split.",
        "One bar chart per split: the number of pictures with numbers of each length.",
    ),
    "search-history": Words(
        "History of the search",
        "The best validation accuracy of each trial, at the time when it ended, and the best finished one so far. "
        "Trials far below the finished ones are outside the figure.",
        "Dots for finished trials, crosses for those that were stopped early, and a rising line for the best so far.",
    ),
    "option-importance": Words(
        "Importance of the options",
        "How much of the variance of the validation accuracy each option explains.",
        "One bar for each option.",
    ),
    "cost-frontier": Words(
        "Accuracy against cost",
        "The validation accuracy of finished trials, which is optimistic, and the processor time of their training. "
        "The line joins those that no cheaper trial equals, with their numbers.",
        "Dots for finished trials, and a rising line through the best ones at each cost.",
    ),
    "samples": Words(
        "Random training pictures",
        "Drawn at random from the training split, with their labels.",
        "Pictures in rows, each with its label below it.",
        has_pictures=True,
    ),
    "samples-grey": Words(
        "The same pictures in grey",
        "The mean of the colour channels, as one channel.",
        "The same pictures in grey, each with its label below it.",
    ),
    "classes": Words(
        "The classes",
        "Each class of the training split: its mean picture and a row of samples.",
        "One row per class: its name, its number of pictures, its mean picture and samples.",
        has_pictures=True,
    ),
    "augmented": Words(
        "Augmented pictures",
        "Random training pictures, and what the augmentation makes of them in the first epochs.",
        "One row per picture: its label, the original, and augmented versions.",
        has_pictures=True,
    ),
    "learning-curves": Words(
        "Learning curves",
        "Loss and accuracy after each epoch, on the training split (dashed) and in validation (solid). "
        "Training values are measured during the epoch, with any dropout and augmentation.",
        "Two line charts against the epoch: loss on the left, accuracy on the right.",
    ),
    "architecture": Words(
        "The network",
        "The layers of the network, from the input to the output. A wider box means more output values.",
        "Boxes from top to bottom, joined by arrows. The table of layers contains the same information.",
    ),
    "confusion": Words(
        "Confusion matrix",
        "Rows are labels and columns are predictions. Each number is a count of pictures; with more than 20 "
        "classes, the numbers are omitted. "
        "The colour shows the count as a share of all pictures with that label.",
        "Matrix of labels against predictions. The tables of errors and classes give the numbers.",
    ),
    "lengths": Words(
        "Accuracy of each length and place",
        "Left: whole sequences by their length. Right: single symbols by their place. Lines are 95 % intervals; the "
        "number of pictures stands below.",
        "Two charts of points with intervals. The tables of lengths and places contain the same numbers.",
    ),
    "predictions": Words(
        "Random test pictures",
        "Drawn at random: each picture with its label, next to the probability of each class.",
        "Test pictures, each next to a bar chart of the predicted probabilities.",
        has_pictures=True,
    ),
    "errors": Words(
        "The worst errors",
        "Misclassified pictures, worst first: those whose label was given the lowest probability.",
        "Misclassified pictures in rows, each with its label and the prediction.",
        has_pictures=True,
    ),
}

OF_SEQUENCES: Mapping[str, Words] = {
    "counts": Words(
        "SYMBOLs in the labels",
        "How often each SYMBOL occurs in the labels of each split.",
        "One bar chart per split: how often each SYMBOL occurs.",
    ),
    "learning-curves": Words(
        "Learning curves",
        "Loss and accuracy of whole SEQUENCEs after each epoch, on the training split (dashed) and in validation "
        "(solid). Training values are measured during the epoch, with any dropout and augmentation.",
        "Two line charts against the epoch: loss on the left, accuracy on the right.",
    ),
    "confusion": Words(
        "SYMBOLs that are confused",
        "Rows are SYMBOLs of labels and columns are SYMBOLs of readings that stand opposite each other when both are "
        "aligned with the fewest changes. Each number counts SYMBOLs; with more than 20 of them, the numbers are "
        "omitted. The colour shows the count as a share of the row.",
        "Matrix of SYMBOLs in labels against SYMBOLs in readings. The tables of errors and SYMBOLs give the numbers.",
    ),
    "predictions": Words(
        "Random test pictures",
        "Drawn at random: each picture with its label, next to the reading and how sure the model is of its length and "
        "of each SYMBOL.",
        "Test pictures, each next to the reading and a bar for the length and for each SYMBOL.",
        has_pictures=True,
    ),
    "errors": Words(
        "The worst errors",
        "SEQUENCEs that were read wrongly, worst first: those whose label was given the lowest probability.",
        "Pictures in rows, each with its label and the wrong reading.",
        has_pictures=True,
    ),
}
"""The same for sequences; SEQUENCE and SYMBOL stand for the words for these."""
