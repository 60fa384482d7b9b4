"""The estimator keeps scikit-learn's contract, and is trained as `train` trains."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.estimator_checks import estimator_checks_generator

from picturewise.errors import InputError, PicturewiseError
from picturewise.estimator import PicturewiseClassifier
from picturewise.recipes.keywords import RecipeKeywords

ROWS, NUMBERS = load_digits(return_X_y=True)
ROWS, NUMBERS = ROWS[:200], NUMBERS[:200]
NAMES = np.array([f"n{number}" for number in NUMBERS])
LEFT_OUT = {
    "valid_half",
    # fit always gets arrays with their labels, all of which are for training
    "label_from", "label_column", "file_column", "split_column", "layout", "target", "background", "skip_bad",
    "classes", "test_fraction",
    # it predicts classes, which have only one output layer
    "head",
    # settings has them
    "start_source", "start_sha256", "start_lines", "start_head", "start_statistics", "freeze", "unfreeze_epoch",
    "unfreeze_gradually", "backbone_rate", "freeze_statistics", "head_fit",
    "shards", "threads", "distributed",
}  # fmt: skip

NOT_CHECKED = {
    "check_array_api_input": "it needs SCIPY_ARRAY_API to be set before SciPy is imported",
    "check_classifier_data_not_an_array": "its second half needs pandas",
}


def small(**other: Any) -> PicturewiseClassifier:
    return PicturewiseClassifier(**{"model": "mlp 8", "epochs": 1, "learning_rate": 0.02, **other})


@pytest.fixture(scope="module")
def fitted() -> PicturewiseClassifier:
    return small(model="mlp 32", epochs=4, batch_size=8).fit(ROWS, NAMES)


def test_its_parameters_are_the_keywords_of_train() -> None:
    own = {"model", "preset", "layers", "epochs", "seed", "shape", "out", "settings", "progress"}
    assert {*small().get_params()} == own | ({*RecipeKeywords.__annotations__} - LEFT_OUT)
    kinds = inspect.signature(PicturewiseClassifier).parameters
    for name in {*kinds} - own:  # None stands for what was left out
        expected = RecipeKeywords.__annotations__[name].__forward_arg__
        assert kinds[name].annotation.removesuffix(" | None") == expected.removesuffix(" | None")


def test_parameters_are_kept_as_they_are_and_cloned() -> None:
    settings = {"training.momentum": 0.5}
    estimator = clone(small(settings=settings, batch_size=np.int64(16)).set_params(seed=3))
    assert (estimator.settings, estimator.batch_size, estimator.seed) == (settings, 16, 3)
    assert repr(small()) == "PicturewiseClassifier(epochs=1, learning_rate=0.02, model='mlp 8')"
    with pytest.raises(ValueError, match=r"Invalid parameter 'learning_rat'"):
        small().set_params(learning_rat=1)


@pytest.mark.parametrize(
    ("shape", "given", "found"),
    [
        ((5, 64), None, (5, 8, 8, 1)),
        ((5, 64), (4, 16), (5, 4, 16, 1)),
        ((5, 192), (8, 8, 3), (5, 8, 8, 3)),
        ((5, 9, 7), None, (5, 9, 7, 1)),
        ((3, 9, 3), None, (3, 9, 3, 1)),
        ((5, 9, 7, 3), None, (5, 9, 7, 3)),
    ],
)
def test_the_first_axis_is_that_of_the_pictures(
    shape: tuple[int, ...], given: tuple[int, ...] | None, found: tuple[int, ...]
) -> None:
    assert small(shape=given)._pictures(np.zeros(shape)).shape == found


@pytest.mark.parametrize(
    ("pictures", "labels", "options", "said"),
    [
        (
            ROWS[:, :10], NUMBERS, {},
            r"X has rows of 10 values, which do not make a square picture\. Pass shape=\(H, W\)",
        ),
        (ROWS, NUMBERS, {"shape": (8, 9)}, r"shape is \(8, 9\), but X has rows of 64 values"),
        (ROWS, NUMBERS, {"shape": (16, 2, 2)}, r"shape is \(16, 2, 2\)"),
        (ROWS, NUMBERS, {"shape": 8}, r"shape is 8, but"),
        (ROWS.reshape(-1, 1, 8, 8), NUMBERS, {}, r"X has shape \(200, 1, 8, 8\).*Pass x\.transpose\(0, 2, 3, 1\)"),
        (ROWS[:, :, None, None, None], NUMBERS, {}, r"X has shape \(200, 64, 1, 1, 1\)\. Expected \(N, H, W\)"),
        (ROWS - 3.5, NUMBERS, {}, r"contains values in -3\.5\.\.12\.5 instead of 0\.\.1 or 0\.\.255"),
        (ROWS, NUMBERS * 0, {}, r"y has only one class, 0\. Pass labels of at least two"),
        (ROWS, NUMBERS[:-1], {}, r"inconsistent numbers of samples"),
        (ROWS, NUMBERS + 0.5, {}, r"Unknown label type: continuous"),
        (ROWS, None, {}, r"requires y to be passed"),
        (np.where(ROWS > 3, np.nan, ROWS), NUMBERS, {}, r"Input X contains NaN"),
        (ROWS, NUMBERS, {"learning_rate": -1}, r"training\.learning_rate is -1, but must be greater than 0"),
        (ROWS, NUMBERS, {"preset": "fsat"}, r"Unknown preset 'fsat'.*Did you mean 'fast'\?"),
        (ROWS, NUMBERS, {"settings": ["x=1"]}, r"Unknown recipe key 'x'"),
        (ROWS, NUMBERS, {"value_range": "white"}, r"'white' is not a valid range of values|value_range is 'white'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_a_value_error(
    pictures: Any, labels: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        small(**options).fit(pictures, labels)


def test_our_errors_are_value_errors_too() -> None:
    assert issubclass(InputError, PicturewiseError)
    with pytest.raises(NotFittedError):
        small().predict(ROWS)


@pytest.mark.slow
def test_it_learns_and_answers_with_the_labels_that_it_got(fitted: PicturewiseClassifier) -> None:
    table = fitted.predict_proba(ROWS)
    assert table.shape == (200, 10)
    assert table.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert fitted.classes_.tolist() == sorted({*NAMES.tolist()})
    assert np.array_equal(fitted.predict(ROWS), fitted.classes_[table.argmax(axis=1)])
    assert fitted.score(ROWS, NAMES) > 0.6
    assert fitted.n_features_in_ == 64
    facts = fitted.run_.record.data
    assert sum(split.pictures for split in facts.splits.values()) == 200  # nothing is held out for a test
    assert not (fitted.run_.path / "report.html").exists()


@pytest.mark.slow
def test_a_picture_gets_the_same_answer_whatever_else_is_asked(fitted: PicturewiseClassifier) -> None:
    dark = np.zeros((1, 8, 8))
    dark[0, 0, 0] = 1  # alone, it would be one in 0..1
    whole = fitted.predict_proba(np.concatenate([dark, ROWS.reshape(-1, 8, 8)]))
    assert fitted.predict_proba(dark)[0] == pytest.approx(whole[0], abs=1e-6)
    with pytest.raises(
        InputError, match=r"X: picture 0 .* has the value 17, but the range found by fit is 0\.\.16"
    ):
        fitted.predict(dark * 17)
    with pytest.raises(ValueError, match=r"X has 63 features, but PicturewiseClassifier is expecting 64"):
        fitted.predict(ROWS[:, 1:])


@pytest.mark.slow
def test_copies_predict_alike_and_the_folder_goes_with_the_estimator(tmp_path: Path) -> None:
    estimator = small().fit(ROWS.astype(np.uint8).reshape(-1, 8, 8), NUMBERS)
    expected, folder = estimator.predict_proba(ROWS.reshape(-1, 8, 8)), estimator.run_.path
    assert folder.is_dir()
    for same in (pickle.loads(pickle.dumps(estimator)), copy.deepcopy(estimator)):
        assert np.array_equal(same.predict_proba(ROWS.reshape(-1, 8, 8)), expected)
        assert not hasattr(same, "run_")
        assert not hasattr(clone(same), "classifier_")
    estimator.set_params(out=tmp_path / "run", seed=1).fit(ROWS, NUMBERS)
    assert not folder.parent.exists()
    del estimator
    gc.collect()
    assert (tmp_path / "run" / "report.html").is_file()
    with pytest.raises(InputError, match=r"is not empty|already"):
        small(out=tmp_path / "run").fit(ROWS, NUMBERS)
    again = small().fit(ROWS, NUMBERS)
    folder = again.run_.path
    del again
    gc.collect()
    assert not folder.parent.exists()


@pytest.mark.slow
def test_scikit_learns_searches_and_cross_validation_take_it() -> None:
    choices = {"learning_rate": np.array([0.02, 1e-6]), "batch_size": [np.int64(4)]}
    search = GridSearchCV(small(epochs=3), choices, cv=2)
    search.fit(ROWS, NAMES)
    assert search.best_params_["learning_rate"] == 0.02
    assert search.best_estimator_.predict(ROWS[:2]).shape == (2,)
    scores = cross_val_score(small(), ROWS.reshape(-1, 8, 8) / 16, NUMBERS, cv=2, scoring="neg_log_loss")
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()


def test_the_page_names_the_checks_that_do_not_run() -> None:
    page = (Path(__file__).parents[1] / "docs" / "how-to" / "estimator.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(check_\w+)` \| (.*) \|$", page, re.MULTILINE)
    assert {name: why.replace("`", "") for name, why in rows} == NOT_CHECKED


class OfTables(PicturewiseClassifier):
    """Takes a row of any length for a picture of that width, because the tables of the checks are no pictures."""

    def _shape(self, numbers: int) -> tuple[int, int, int]:
        return 1, numbers, 1


@pytest.mark.slow
def test_scikit_learns_checks_of_estimators_pass() -> None:
    from unittest import SkipTest

    seen, skipped = set(), {}
    for estimator, check in estimator_checks_generator(
        OfTables(model="mlp 8", epochs=2, batch_size=4, learning_rate=0.05, value_range="-120..120")
    ):
        name = check.func.__name__
        seen.add(name)
        try:
            check(estimator)
        except SkipTest as skip:
            skipped[name] = str(skip)
    assert len(seen) > 40
    assert skipped.keys() <= NOT_CHECKED.keys()
