"""The titles, captions and alternative texts of the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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


WORDS: Mapping[str, Words] = {
    "counts": Words(
        "Pictures of each class",
        "The number of pictures of each class in each split.",
        "One bar chart per split: the number of pictures of each class.",
    ),
    "lengths": Words(
        "Length of the numbers",
        "The number of pictures whose number has each length, in each split.",
        "One bar chart per split: the number of pictures with numbers of each length.",
    ),
    "symbols": Words(
        "The symbols",
        "How often each symbol occurs in each split.",
        "One bar chart per split: how often each symbol occurs.",
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
