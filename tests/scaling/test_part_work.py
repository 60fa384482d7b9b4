"""Parts, computed in this process; `reading_here` replaces the children that decode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from many import (
    CLASSES,
    classifier,
    digests,
    picture,
    png,
    rows,
    sequence_classifier,
    write_parquet,
    write_tar,
)
from PIL import Image
from reading_here import work_through

from picturewise.data.pictures import decode_files
from picturewise.errors import DataError, RunError, UsageError
from picturewise.prediction import computation as choosing
from picturewise.prediction.classifier import load_classifier
from picturewise.scaling import compute
from picturewise.scaling.job import Job
from picturewise.scaling.local import compute_here
from picturewise.scaling.part_work import PartWork
from picturewise.scaling.plan import read_plan
from picturewise.tasks import many
from picturewise.tasks.predict_many import predict_many


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(task: Any, items: Any, answers: Any, tick: Any, *, kept: Any = None) -> dict[int, str]:
        del kept
        received = [bytes(item) if isinstance(item, memoryview) else item for item in items]
        return work_through(task, received, answers, tick)

    def local(job: Any, numbers: Any, results: Any, *, workers: int) -> None:
        del workers
        compute_here(job, numbers, results)

    monkeypatch.setattr(decode_files, "work_through", here)
    monkeypatch.setattr(many, "compute_locally", local)


def test_a_part_has_each_row_once_with_what_the_classifier_says(
    tmp_path: Path, classifier_file: Path
) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(53), bad=(7, 29))
    found = predict_many(classifier_file, source, out=tmp_path / "out", part_rows=20)
    assert (found.parts, found.rows, found.unreadable, found.parts_written) == (3, 53, 2, 3)
    parts = rows(tmp_path / "out")
    assert [row["row"] for row in parts] == list(range(53))
    assert {row["path"] for row in parts} == {str(source)}
    for row in parts:
        if row["row"] in (7, 29):
            assert row["label"] is row["probability"] is row["probabilities"] is None
            assert "truncated" in row["error"]
            continue
        expected = classifier().probabilities(picture(row["row"])[None, :, :, None])[0]
        np.testing.assert_allclose(row["probabilities"], expected, rtol=1e-5)
        assert row["label"] == CLASSES[int(np.argmax(expected))]
        assert row["probability"] == max(row["probabilities"])
        assert row["error"] is None


@pytest.fixture
def bfloat16_file(tmp_path: Path) -> Path:
    path = tmp_path / "bfloat16.safetensors"
    classifier(number_format="bfloat16").save(path)
    return path


@pytest.mark.skipif(choosing.lacking_for("openvino") is not None, reason="without OpenVINO or bfloat16")
def test_the_library_of_the_plan_computes_all_parts(
    tmp_path: Path, bfloat16_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = write_parquet(tmp_path / "a.parquet", range(300)), tmp_path / "out"
    predict_many(bfloat16_file, source, out=tmp_path / "few", part_rows=100)
    assert "library" not in read_plan(tmp_path / "few").options
    monkeypatch.setattr(choosing, "WORTH_OPENVINO", 1)
    predict_many(bfloat16_file, source, out=out, part_rows=100)
    assert read_plan(out).library == "openvino"
    written = digests(out)
    found = np.array([row["probabilities"] for row in rows(out)], np.float32)
    pictures = np.stack([picture(number)[:, :, None] for number in range(300)])
    for library, is_equal in (("openvino", True), ("onnxruntime", False)):
        loaded = load_classifier(bfloat16_file).on_one_core("auto", library)
        expected = np.concatenate([loaded.probabilities(pictures[at : at + 100]) for at in (0, 100, 200)])
        assert np.array_equal(found, expected) == is_equal
    (out / "part-00001.parquet").unlink()
    monkeypatch.setattr(choosing, "WORTH_OPENVINO", 1e30)  # it was decided when the plan was made
    predict_many(bfloat16_file, source, out=out, part_rows=100)
    assert digests(out) == written


def test_without_the_library_of_the_plan_nothing_is_computed(
    tmp_path: Path, bfloat16_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = write_parquet(tmp_path / "a.parquet", range(30)), tmp_path / "out"
    monkeypatch.setattr(choosing, "WORTH_OPENVINO", 1)
    monkeypatch.setattr(choosing, "find_spec", lambda name: name)
    monkeypatch.setattr(choosing, "has_bfloat16", lambda: True)
    with monkeypatch.context() as only_planned:
        only_planned.setattr(many, "compute_locally", lambda *_, **__: None)
        predict_many(bfloat16_file, source, out=out)
    monkeypatch.setattr(choosing, "find_spec", lambda name: None)
    with pytest.raises(
        UsageError, match=r"out is computed in bfloat16 by OpenVINO, but it is not installed\. Continue where"
    ):
        predict_many(bfloat16_file, source, out=out)
    monkeypatch.setattr(choosing, "find_spec", lambda name: name)
    monkeypatch.setattr(choosing, "has_bfloat16", lambda: False)
    with pytest.raises(UsageError, match="but this processor does not have that format"):
        predict_many(bfloat16_file, source, out=out)
    with pytest.raises(
        UsageError, match="is computed in bfloat16 by OpenVINO, but this processor"
    ):  # another machine
        PartWork(Job(read_plan(out), str(source), out))
    assert not digests(out)


def test_the_bytes_depend_neither_on_the_blocks_nor_on_what_was_computed_before(
    tmp_path: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(700), bad=(3, 300), group=64)
    predict_many(classifier_file, source, out=tmp_path / "a", part_rows=300)
    (tmp_path / "b").mkdir()
    for name in ("plan.json", "classifier.safetensors", "part-00001.parquet"):
        (tmp_path / "b" / name).write_bytes((tmp_path / "a" / name).read_bytes())
    monkeypatch.setattr(compute, "_MOST_ROWS", compute.BATCH)
    monkeypatch.setattr(compute, "_BYTES", 500)
    found = predict_many(classifier_file, source, out=tmp_path / "b", part_rows=300)
    assert found.parts_computed == 2
    assert len({len(one) for one in (digests(tmp_path / "a"), digests(tmp_path / "b"))}) == 1
    assert [(row["row"], row["probabilities"]) for row in rows(tmp_path / "a")] == [
        (row["row"], row["probabilities"]) for row in rows(tmp_path / "b")
    ]


def test_a_tree_of_files_is_read_in_the_order_of_its_folders(tmp_path: Path, classifier_file: Path) -> None:
    for number in range(12):
        place = tmp_path / "tree" / f"{number % 3}" / f"{number:02}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(png(number))
    (tmp_path / "tree" / "1" / "07.png").write_bytes(b"not a picture")
    (tmp_path / "tree" / "README.txt").write_text("about")
    found = predict_many(classifier_file, tmp_path / "tree", out=tmp_path / "out", part_rows=5)
    parts = rows(tmp_path / "out")
    order = [f"{folder}/{number:02}.png" for folder in range(3) for number in range(folder, 12, 3)]
    assert [row["path"] for row in parts] == [str(tmp_path / "tree" / name) for name in order]
    assert [row["row"] for row in parts] == list(range(12))
    assert (found.parts, found.unreadable) == (3, 1)
    assert "1 file" in found.notes[0]


@pytest.mark.parametrize("ending", ["txt", "csv"])
def test_a_list_names_the_files(tmp_path: Path, classifier_file: Path, ending: str) -> None:
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(png(number))
    lines = ["3.png", "1.png", "missing.png", str(tmp_path / "2.png"), "1.png"]
    head = ["filename"] if ending == "csv" else []
    (tmp_path / f"list.{ending}").write_text("\n".join([*head, *lines, ""]))
    found = predict_many(classifier_file, tmp_path / f"list.{ending}", out=tmp_path / "out")
    parts = rows(tmp_path / "out")
    assert [Path(row["path"]).name for row in parts] == ["3.png", "1.png", "missing.png", "2.png", "1.png"]
    assert [row["error"] is not None for row in parts] == [False, False, True, False, False]
    assert found.unreadable == 1


def test_a_tar_is_one_part_and_only_its_pictures_are_rows(tmp_path: Path, classifier_file: Path) -> None:
    members = [("a/0001.png", png(1)), ("a/0001.cls", b"2"), ("a/0002.JPG", b"bad"), ("a/x.pyd", b"import os"),
               ("a/0003.png", png(3)), ("a/0003.json", b"{}")]  # fmt: skip
    write_tar(tmp_path / "shards" / "s-0.tar", members)
    write_tar(tmp_path / "shards" / "s-1.tar.gz", [("k.png", png(5))], mode="w:gz")
    found = predict_many(classifier_file, tmp_path / "shards", out=tmp_path / "out", part_rows=1)
    parts = rows(tmp_path / "out")
    assert found.parts == 2
    assert [(row["path"].removeprefix(str(tmp_path)), row["row"]) for row in parts] == [
        ("/shards/s-0.tar/a/0001.png", 0), ("/shards/s-0.tar/a/0002.JPG", 1), ("/shards/s-0.tar/a/0003.png", 2),
        ("/shards/s-1.tar.gz/k.png", 0),
    ]  # fmt: skip
    assert [row["error"] is None for row in parts] == [True, False, True, True]


def test_an_address_in_memory_is_read_in_this_process(tmp_path: Path, classifier_file: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    files = fsspec.filesystem("memory")
    write_parquet(tmp_path / "a.parquet", range(30))
    files.pipe("/many/a.parquet", (tmp_path / "a.parquet").read_bytes())
    files.pipe("/many/b.parquet", (tmp_path / "a.parquet").read_bytes())
    try:
        predict_many(classifier_file, "memory://many", out=tmp_path / "out", part_rows=20)
    finally:
        files.rm("/many", recursive=True)
    parts = rows(tmp_path / "out")
    assert [row["row"] for row in parts] == [*range(30), *range(30)]
    assert {row["path"] for row in parts} == {"memory:///many/a.parquet", "memory:///many/b.parquet"}


def test_files_at_an_address_give_the_same_predictions(tmp_path: Path, classifier_file: Path) -> None:
    pytest.importorskip("fsspec")
    for number in range(6):
        (tmp_path / f"tree{number % 2}").mkdir(exist_ok=True)
        (tmp_path / f"tree{number % 2}" / f"{number}.png").write_bytes(png(number))
    predict_many(classifier_file, tmp_path / "tree0", out=tmp_path / "a")
    predict_many(classifier_file, f"file://{tmp_path}/tree0", out=tmp_path / "b")
    one, other = rows(tmp_path / "a"), rows(tmp_path / "b")
    assert [row["probabilities"] for row in one] == [row["probabilities"] for row in other]
    assert [row["path"] for row in other] == [f"file://{row['path']}" for row in one]


def test_a_classifier_of_sequences_writes_readings_without_a_column_of_probabilities(tmp_path: Path) -> None:
    reader = sequence_classifier()
    source = write_parquet(tmp_path / "a.parquet", range(30), bad=(4,))
    predict_many(reader, source, out=tmp_path / "out", part_rows=20)
    parts = rows(tmp_path / "out")
    assert set(parts[0]) == {"path", "row", "label", "probability", "error"}
    target = reader.description.target
    for row in parts:
        if row["row"] == 4:
            assert row["label"] is row["probability"] is None
            continue
        answers, best = target.decode(reader.probabilities(picture(row["row"])[None, :, :, None]))
        assert row["label"] == target.text(answers[0])
        assert row["probability"] == pytest.approx(float(best[0]), rel=1e-5)


def test_lists_of_numbers_are_read_in_the_range_of_the_first_file(
    tmp_path: Path, classifier_file: Path
) -> None:
    lists = [(picture(number) / 255).tolist() for number in range(5)]
    pq.write_table(pa.table({"image": lists, "label": [0] * 5}), tmp_path / "a.parquet")
    predict_many(classifier_file, tmp_path / "a.parquet", out=tmp_path / "out", part_rows=2)
    for row in rows(tmp_path / "out"):
        expected = classifier().probabilities(picture(row["row"])[None, :, :, None])[0]
        np.testing.assert_allclose(row["probabilities"], expected, rtol=1e-5)


def test_deep_pictures_need_a_range(tmp_path: Path, classifier_file: Path) -> None:
    (tmp_path / "deep").mkdir()
    Image.fromarray(picture(1).astype(np.uint16) * 16).save(tmp_path / "deep" / "a.png")
    found = predict_many(classifier_file, tmp_path / "deep", out=tmp_path / "a")
    assert found.unreadable == 1
    assert "more than 8 bits" in next(iter(found.first_unreadable.values()))
    predict_many(classifier_file, tmp_path / "deep", out=tmp_path / "b", value_range="0..4080")
    expected = classifier().probabilities(picture(1)[None, :, :, None])[0]
    np.testing.assert_allclose(rows(tmp_path / "b")[0]["probabilities"], expected, rtol=1e-5)


def test_nothing_is_computed_twice(tmp_path: Path, classifier_file: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(40))
    predict_many(classifier_file, source, out=tmp_path / "out", part_rows=10)
    before = digests(tmp_path / "out")
    (tmp_path / "out" / "part-00002.parquet").unlink()
    found = predict_many(classifier_file, source, out=tmp_path / "out", part_rows=10)
    assert (found.parts_computed, found.rows_computed, found.rows) == (1, 10, 40)
    assert digests(tmp_path / "out") == before
    again = predict_many(load_classifier(classifier_file), source, out=tmp_path / "out", part_rows=10)
    assert (again.parts_computed, again.pictures_per_second) == (0, None)


def test_a_slice_computes_its_own_parts(tmp_path: Path, classifier_file: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(50))
    whole = predict_many(classifier_file, source, out=tmp_path / "whole", part_rows=10)
    first = predict_many(classifier_file, source, out=tmp_path / "out", part_rows=10, slice="1/3")
    assert {path.name for path in (tmp_path / "out").glob("part-*")} == {
        "part-00000.parquet",
        "part-00003.parquet",
    }
    assert (first.parts, first.parts_written, first.rows) == (5, 2, 20)
    for number in (2, 3):
        last = predict_many(classifier_file, source, out=tmp_path / "out", part_rows=10, slice=f"{number}/3")
    assert last.parts_written == whole.parts_written == 5
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


@pytest.mark.parametrize("kind", ["half", "foreign", "empty", "folder", "other plan", "link"])
def test_a_foreign_file_among_the_parts_is_named_and_stays(
    kind: str, tmp_path: Path, classifier_file: Path
) -> None:
    source, out = write_parquet(tmp_path / "a.parquet", range(40)), tmp_path / "out"
    predict_many(classifier_file, source, out=out, part_rows=10)
    place = out / "part-00001.parquet"
    content = place.read_bytes()
    place.unlink()
    if kind == "folder":
        place.mkdir()
    elif kind == "link":
        place.symlink_to(tmp_path / "nowhere")
    elif kind == "other plan":
        predict_many(classifier_file, source, out=tmp_path / "other", part_rows=20)
        place.write_bytes((tmp_path / "other" / place.name).read_bytes())
    else:
        place.write_bytes({"half": content[: len(content) // 2], "foreign": b"hello", "empty": b""}[kind])
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*") if path.exists()}
    with pytest.raises(UsageError, match=r"part-00001\.parquet is not a whole part of this plan"):
        predict_many(classifier_file, source, out=out, part_rows=10)
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("part-*") if path.exists()} == before


def test_a_changed_input_is_noticed_before_and_while_parts_are_computed(
    tmp_path: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(40))
    real = many._compute

    def changed(*arguments: Any) -> None:
        write_parquet(source, range(1, 41))
        real(*arguments)

    monkeypatch.setattr(many, "_compute", changed)
    with pytest.raises(DataError, match=r"4 of 4 parts could not be computed.*has changed since the plan"):
        predict_many(classifier_file, source, out=tmp_path / "out", part_rows=10)
    with pytest.raises(UsageError, match="the input files have changed"):
        predict_many(classifier_file, source, out=tmp_path / "out", part_rows=10)


def test_a_damaged_shard_does_not_stop_the_others(tmp_path: Path, classifier_file: Path) -> None:
    for name in "abc":
        write_tar(tmp_path / "t" / f"{name}.tar", [(f"{number}.png", png(number)) for number in range(5)])
    whole = (tmp_path / "t" / "b.tar").read_bytes()
    (tmp_path / "t" / "b.tar").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        DataError, match=r"1 of 3 parts could not be computed; the others are written.*b\.tar"
    ):
        predict_many(classifier_file, tmp_path / "t", out=tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").glob("part-*")} == {
        "part-00000.parquet",
        "part-00002.parquet",
    }


def test_changed_names_of_files_are_refused(tmp_path: Path, classifier_file: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.png").write_bytes(png(1))
    predict_many(classifier_file, tmp_path / "p", out=tmp_path / "out")
    (tmp_path / "out" / "part-00000.parquet").unlink()
    (tmp_path / "out" / "names" / "part-00000.jsonl").write_text('["/etc/hostname", 1, "1"]\n')
    with pytest.raises(RunError, match=r"part-00000\.jsonl was changed"):
        predict_many(classifier_file, tmp_path / "p", out=tmp_path / "out")


def test_another_classifier_is_refused(tmp_path: Path, classifier_file: Path) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(10))
    predict_many(classifier_file, source, out=tmp_path / "out")
    with pytest.raises(UsageError, match="the plan of another classifier"):
        predict_many(classifier(seed=1), source, out=tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "--workers is 0"),
        ({"part_rows": 0}, "--part-rows is 0"),
        ({"slice": "0/3"}, "--slice is '0/3'"),
        ({"slice": "4/3"}, "--slice is '4/3'"),
        ({"slice": "first"}, "--slice is 'first'"),
        ({"on": "ray", "workers": 2}, "Pass only one of them"),
        ({"out": "s3://bucket/out"}, "--out is an address"),
        ({"value_range": "5..1"}, "not a valid range"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: dict[str, Any], said: str, tmp_path: Path, classifier_file: Path
) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(10))
    with pytest.raises(UsageError, match=said):
        predict_many(classifier_file, source, **({"out": tmp_path / "out"} | options))
    assert not (tmp_path / "out" / "plan.json").exists()


def test_a_storage_that_cannot_replace_files_is_refused(
    tmp_path: Path, classifier_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from picturewise.errors import SaveError

    def refuse(self: Path, target: Path) -> None:
        raise OSError(95, "Operation not supported")

    source = write_parquet(tmp_path / "a.parquet", range(10))
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(SaveError, match="cannot replace a file in one step"):
        predict_many(classifier_file, source, out=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir() if "unfinished" in path.name] == []
