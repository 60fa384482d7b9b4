from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from picturewise.errors import RunError, UsageError
from picturewise.scaling.job import Job
from picturewise.scaling.plan import PLAN, Plan, check_same, from_content, read_plan

OPTIONS = {"engine": "auto", "part_rows": 10, "value_range": None, "file_column": None, "label_column": None}
SHARDS = (("/d/a.parquet", 9, "1", 25), ("/d/b.parquet", 9, "2", 10), ("/d/c.parquet", 9, "3", 1))


def plan(**changes: Any) -> Plan:
    return replace(Plan("predict", "parquet", "/d", "0" * 64, OPTIONS, shards=SHARDS), **changes)


def test_every_row_is_in_exactly_one_part() -> None:
    found = [(part.path, row) for part in plan().parts for row in range(part.start, part.stop or 0)]
    assert found == [(path, row) for path, _, _, rows in SHARDS for row in range(rows or 0)]
    assert [part.number for part in plan().parts] == list(range(5))
    assert plan().rows == 36


def test_no_part_spans_two_shards_and_a_tar_is_one_part() -> None:
    assert [(part.path[-9], part.start, part.stop) for part in plan().parts] == [
        ("a", 0, 10), ("a", 10, 20), ("a", 20, 25), ("b", 0, 10), ("c", 0, 1),
    ]  # fmt: skip
    tars = plan(form="tar", shards=(("/d/a.tar", 9, "1", None), ("/d/b.tar", 9, "1", None)))
    assert [(part.path, part.rows) for part in tars.parts] == [("/d/a.tar", None), ("/d/b.tar", None)]
    assert tars.rows is None


def test_picture_files_are_cut_by_their_number() -> None:
    files = plan(form="pictures", shards=(), names=("x", "y", "z"), pictures=21)
    assert [(part.start, part.stop) for part in files.parts] == [(0, 10), (10, 20), (20, 21)]


def test_a_plan_comes_back_from_its_file_and_from_a_job(tmp_path: Path) -> None:
    (tmp_path / PLAN).write_text(json.dumps(plan().content()))
    assert read_plan(tmp_path) == plan()
    assert read_plan(tmp_path).digest == plan().digest
    job = Job(plan(), "s3://key:secret@bucket", tmp_path)
    assert Job.of(json.loads(json.dumps(job.content()))) == job


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"task": "evaluate"}, "has the plan of predict-many"),
        ({"classifier": "1" * 64}, "another classifier (SHA-256 000000000000…, now 111111111111…)"),
        ({"source": "/e"}, "another source (/d)"),
        ({"options": OPTIONS | {"part_rows": 5}}, "--part-rows was 10, and is now 5"),
        ({"shards": (SHARDS[0], ("/d/b.parquet", 9, "new", 10), SHARDS[2])}, "the first is /d/b.parquet"),
        ({"shards": SHARDS[:2]}, "the input files have changed"),
        ({"pictures": 3}, "the input files have changed"),
    ],
)
def test_another_plan_is_refused_in_one_sentence(changes: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        check_same(plan(), plan(**changes), tmp_path)
    assert said in str(raised.value)
    assert "--out" in str(raised.value)
    assert plan(**changes).digest != plan().digest
    check_same(plan(), plan(), tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        "null",
        '{"format": 2, "batch": 256}',
        json.dumps(plan().content() | {"options": {"part_rows": 0}}),
        json.dumps(plan().content() | {"options": {"part_rows": True}}),
        json.dumps(plan().content() | {"options": OPTIONS | {"library": "torch"}}),
        json.dumps(plan().content() | {"shards": [["a", 1, "x", -5]]}),
        json.dumps(plan().content() | {"shards": [["a", 1, "x", 10**12]]}),
        json.dumps(plan().content() | {"pictures": "many"}),
        "not JSON",
    ],
)
def test_a_foreign_plan_is_an_error_in_one_sentence(content: str, tmp_path: Path) -> None:
    (tmp_path / PLAN).write_text(content)
    with pytest.raises(RunError, match=r"plan\.json"):
        read_plan(tmp_path)


def test_the_digest_says_all_that_changes_the_results() -> None:
    content = plan().content()
    assert from_content(content).digest == plan().digest
    assert {
        "task",
        "form",
        "source",
        "classifier_sha256",
        "batch",
        "options",
        "scale",
        "shards",
        "names",
    } < set(content)
