"""What the name of a folder says about the pictures in it: words for masks, parts and pictures without classes."""

from __future__ import annotations

from picturewise.split_names import GENERIC_WORDS, split_in, word_set, words_of

_PICTURES = word_set("image images img imgs jpegimages jpg jpgs jpeg png pngs picture pictures photo photos")
_PAIRED = frozenset(["input", "inputs", "output", "outputs", "target", "targets"])
_ANNOTATIONS = word_set(
    "mask masks label labels annotation annotations annots anns xml xmls segmentation segmentations gt "
    "groundtruth segmentationclass segmentationobject trimap trimaps bbox bboxes boxes keypoints "
    "landmarks heatmaps imagesets meta metadata"
)
_ABOUT_ANNOTATIONS = word_set("ground truth binary bounding class object instance semantic pixel")
_VARIANTS = word_set(
    "original originals raw processed preprocessed resized cropped crops augmented augmentation thumbnails thumbs "
    "color colour gray grey grayscale greyscale rgb depth nir ir thermal segmented normalized normalised enhanced hr "
    "lr highres lowres"
)
_UNLABELLED = word_set("pred predict prediction predictions unlabeled unlabelled nolabel nolabels")
_PARTS = word_set(
    "fold folds kfold cv part batch chunk shard subset split volume set data dataset folder dir disk"
)


def means_annotations(name: str) -> bool:
    """Return whether a folder is named like masks, boxes or lists beside pictures.

    >>> means_annotations("train_masks"), means_annotations("Ground Truth"), means_annotations("no_mask")
    (True, True, False)
    """
    words = _telling(name)
    ground_truth = "ground" in words and "truth" in words
    known = _ANNOTATIONS | _ABOUT_ANNOTATIONS | GENERIC_WORDS
    return (ground_truth or any(word in _ANNOTATIONS for word in words)) and all(
        word in known for word in words
    )


def means_pictures(name: str) -> bool:
    """Return whether a folder is named after pictures in general, not after a class.

    >>> means_pictures("JPEGImages"), means_pictures("images_001"), means_pictures("cat_images")
    (True, True, False)
    """
    words = _telling(name)
    return any(word in _PICTURES for word in words) and all(
        word in _PICTURES or word in GENERIC_WORDS for word in words
    )


def means_no_class(name: str) -> bool:
    """Return whether a folder's name has only words for splits, pictures, their variants or annotations."""
    mark, words = split_in(name), {word for word in _telling(name) if word not in GENERIC_WORDS}
    return (
        (mark is not None and not mark.rest)
        or means_pictures(name)
        or means_annotations(name)
        or (words != set() and (words <= _PAIRED or words <= _VARIANTS | _PICTURES))
    )


def means_part(name: str) -> bool:
    """Return whether a folder is named like one of several parts: `fold1`, `batch_02`.

    >>> means_part("fold_3"), means_part("HAM10000_images_part_1"), means_part("class1")
    (True, True, False)
    """
    words = words_of(name)
    return len(words) > 1 and words[-1].isdigit() and words[-2] in _PARTS


def means_unlabelled(name: str) -> bool:
    """Return whether a folder is named like pictures whose classes are to be predicted: `pred`, `seg_pred`."""
    return any(word in _UNLABELLED for word in words_of(name))


def other_words(name: str) -> tuple[str, ...]:
    """Return the other words of a folder name for unlabelled pictures: ('seg',) for `seg_pred`."""
    return tuple(
        word
        for word in words_of(name)
        if word not in _UNLABELLED and word not in GENERIC_WORDS and not word.isdigit()
    )


def _telling(name: str) -> list[str]:
    """Return the words of a name without numbers and words for splits."""
    return [word for word in words_of(name) if not word.isdigit() and split_in(word) is None]
