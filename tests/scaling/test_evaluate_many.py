"""The sum of all parts is what `evaluate` says about the same pictures."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from many import png, samples, sequence_classifier, write_parquet, write_tar
from PIL import Image

from picturewise.errors import DataError, RunError, UsageError
from picturewise.evaluation.evaluation import Evaluation
from picturewise.tasks.evaluate import evaluate
from picturewise.tasks.evaluate_many import evaluate_many

pytestmark = pytest.mark.slow  # worker processes are started


def assert_same(one: Evaluation | None, other: Evaluation) -> None:
    assert one is not None
    for name in (
        "pictures",
        "classes",
        "confusion",
        "per_class",
        "accuracy",
        "macro_f1",
        "classifier_sha256",
        "dataset",
    ):
        assert getattr(one, name) == getattr(other, name), name
    for name in ("loss", "calibration_error"):
        found, expected = getattr(one, name), getattr(other, name)
        assert (found.value, found.low, found.high) == pytest.approx(
            (expected.value, expected.low, expected.high), rel=1e-6
        )


def test_a_set_that_nothing_divides_has_the_scores_of_evaluate(tmp_path: Path, classifier_file: Path) -> None:
    source = write_parquet(tmp_path / "pets.parquet", range(509), group=100)
    found = evaluate_many(classifier_file, source, out=tmp_path / "out", part_rows=97, workers=2)
    assert_same(found.evaluation, evaluate(classifier_file, data=source, progress=False))
    assert (found.parts, found.rows, found.unreadable) == (6, 509, 0)
    assert found.evaluation is not None
    kept = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert kept == json.loads(found.evaluation.model_dump_json())
    again = evaluate_many(classifier_file, source, out=tmp_path / "again", part_rows=509, workers=1)
    assert again.evaluation is not None
    same = again.evaluation.model_copy(update={"fingerprint": found.evaluation.fingerprint})
    assert same == found.evaluation


def test_a_tar_has_the_same_scores_and_numbers_are_positions(tmp_path: Path, classifier_file: Path) -> None:
    write_tar(tmp_path / "pets" / "a.tar", samples(range(60)))
    write_tar(tmp_path / "pets" / "b.tar", [*samples(range(60, 101)), ("x.png", png(3)), ("y.png", b"bad")])
    found = evaluate_many(classifier_file, tmp_path / "pets", out=tmp_path / "out", workers=1)
    source = write_parquet(tmp_path / "pets.parquet", range(101))
    assert_same(found.evaluation, evaluate(classifier_file, data=source, progress=False))
    assert found.unreadable == 2
    assert found.evaluation is not None
    assert "101 labels in .cls files are numbers, and were read as positions" in found.evaluation.notes[-1]
    assert list(found.first_unreadable.values()) == ["it does not have a label (-1, null or empty)"]


def test_slices_have_no_scores_until_the_last_one(tmp_path: Path, classifier_file: Path) -> None:
    source = write_parquet(tmp_path / "pets.parquet", range(50))
    options: dict[str, Any] = {"out": tmp_path / "out", "part_rows": 20, "workers": 1}
    assert evaluate_many(classifier_file, source, slice="1/2", **options).evaluation is None
    assert not (tmp_path / "out" / "evaluation.json").exists()
    last = evaluate_many(classifier_file, source, slice="2/2", **options)
    assert_same(last.evaluation, evaluate(classifier_file, data=source, progress=False))


def test_pictures_that_the_run_was_trained_on_are_counted(tmp_path: Path, tiny: Any) -> None:
    trainer = tiny.start(tmp_path / "run")
    trainer.fit()
    run = trainer.run
    part = tiny.dataset().train

    def content(index: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(part.images[index][:, :, 0]).save(buffer, "PNG")
        return buffer.getvalue()

    images = [{"bytes": content(index), "path": None} for index in range(9)]
    labels = [part.classes[part.labels[index]] for index in range(9)]
    pq.write_table(pa.table({"image": images, "label": labels}), tmp_path / "a.parquet")
    found = evaluate_many(run, tmp_path / "a.parquet", out=tmp_path / "out", workers=1)
    assert found.evaluation is not None
    assert found.evaluation.learned_from == 9
    assert "was trained on 9 of these 9 pictures" in found.evaluation.notes[0]


def test_a_class_that_the_classifier_does_not_have_is_an_error(tmp_path: Path, classifier_file: Path) -> None:
    images = [{"bytes": png(number), "path": None} for number in range(4)]
    pq.write_table(pa.table({"image": images, "label": ["ant", "bee", "eel", "ant"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"row 2.* has a class that the classifier was not trained on: eel"):
        evaluate_many(classifier_file, tmp_path / "a.parquet", out=tmp_path / "out", part_rows=2, workers=1)
    assert [path.name for path in sorted((tmp_path / "out").glob("part-*"))] == ["part-00000.json"]


def test_a_damaged_part_is_named(tmp_path: Path, classifier_file: Path) -> None:
    source, out = write_parquet(tmp_path / "a.parquet", range(20)), tmp_path / "out"
    evaluate_many(classifier_file, source, out=out, part_rows=10, workers=1)
    place = out / "part-00001.json"
    content = json.loads(place.read_text())
    place.write_text(json.dumps(content)[:-30])
    with pytest.raises(UsageError, match=r"part-00001\.json is not a whole part of this plan"):
        evaluate_many(classifier_file, source, out=out, part_rows=10, workers=1)
    place.write_text(json.dumps({name: value for name, value in content.items() if name != "counts"}))
    with pytest.raises(RunError, match="lacks 'counts'"):
        evaluate_many(classifier_file, source, out=out, part_rows=10, workers=1)


def test_sources_without_labels_are_refused(tmp_path: Path, classifier_file: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.png").write_bytes(png(0))
    with pytest.raises(DataError, match="picture files without labels beside them"):
        evaluate_many(classifier_file, tmp_path / "tree", out=tmp_path / "a")
    pq.write_table(pa.table({"image": [{"bytes": png(0), "path": None}]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="does not have a column of labels"):
        evaluate_many(classifier_file, tmp_path / "a.parquet", out=tmp_path / "b")


def test_shards_of_several_splits_are_refused(tmp_path: Path, classifier_file: Path) -> None:
    write_parquet(tmp_path / "d" / "train-0.parquet", range(5))
    write_parquet(tmp_path / "d" / "test-0.parquet", range(5))
    with pytest.raises(DataError, match=r"shards of the splits test, train.*test-\*"):
        evaluate_many(classifier_file, tmp_path / "d", out=tmp_path / "out")
    found = evaluate_many(classifier_file, tmp_path / "d" / "test-*.parquet", out=tmp_path / "out", workers=1)
    assert found.rows == 5


def test_a_classifier_of_sequences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="reads sequences of symbols"):
        evaluate_many(sequence_classifier(), tmp_path, out=tmp_path / "out")
