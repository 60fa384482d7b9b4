"""`picturewise predict-many` and `evaluate-many` as users type them."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow")

from many import classifier, png, write_parquet

from picturewise.cli import app

pytestmark = pytest.mark.slow  # worker processes are started


@pytest.fixture
def run(tmp_path: Path) -> str:
    path = tmp_path / "c.safetensors"
    classifier().save(path)
    return str(path)


def test_the_command_tells_what_is_there_and_what_was_left_out(
    tmp_path: Path, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = write_parquet(tmp_path / "a.parquet", range(30), bad=(4, 20)), str(tmp_path / "out")
    arguments = ["predict-many", run, str(source), "--out", out, "--part-rows", "8", "--workers", "2"]
    assert app.run(arguments) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == f"30 rows, 4 of 4 parts in {out}"
    assert "30 computed now, in " in said.out
    assert [line.split(":")[0] for line in said.err.splitlines()] == [
        f"left out  {source}, row 4", f"left out  {source}, row 20",
    ]  # fmt: skip
    assert app.run([*arguments, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["parts"], found["parts_computed"], found["unreadable"], found["rows"]) == (4, 0, 2, 30)
    assert found["provenance"]["command"][0] == "predict-many"


def test_the_scores_are_printed_and_a_good_set_has_code_0(
    tmp_path: Path, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_parquet(tmp_path / "a.parquet", range(30))
    assert app.run(["evaluate-many", run, str(source), "--out", str(tmp_path / "out"), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    assert "a, test: 30 pictures" in said
    assert "accuracy" in said
    assert app.run(["evaluate", run, "--data", str(source)]) == 0
    expected = capsys.readouterr().out.splitlines()
    assert expected[1:] == said.splitlines()[-len(expected) + 1 :]


def test_credentials_are_neither_printed_nor_stored(
    tmp_path: Path, run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("fsspec")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.png").write_bytes(png(1))
    out = tmp_path / "out"
    for address in ("http://me:secret@127.0.0.1:9/a.parquet?sig=secret", "nothing://me:secret@host/a"):
        assert app.run(["predict-many", run, address, "--out", str(out), "--debug", "--json"]) in {2, 3}
        said = capsys.readouterr()
        assert "secret" not in said.out + said.err
        assert said.err.count("picturewise:") == 1
    assert (
        app.run(["predict-many", run, f"file://{tmp_path}/d", "--out", str(out), "--json", "--workers", "1"])
        == 0
    )
    for place in out.rglob("*"):
        assert not place.is_file() or b"secret" not in place.read_bytes()


def test_credentials_are_not_in_the_noted_command(capsys: pytest.CaptureFixture[str]) -> None:
    from picturewise import circumstances

    circumstances.begin(["predict-many", "run", "s3://key:secret@bucket/a", "--out", "x"])
    assert circumstances.circumstances().command == ("predict-many", "run", "s3://bucket/a", "--out", "x")
    del capsys


def test_missing_packages_are_a_sentence_each(
    tmp_path: Path, run: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = str(write_parquet(tmp_path / "a.parquet", range(3)))
    arguments = ["predict-many", run, source, "--out", str(tmp_path / "out")]
    monkeypatch.setitem(sys.modules, "ray", None)
    assert app.run([*arguments, "--on", "ray"]) == 2
    assert "needs Ray, which is not installed. Install it with:" in capsys.readouterr().err
    real = importlib.util.find_spec

    def without(name: str, *rest: Any) -> Any:
        return None if name == "pyarrow" else real(name, *rest)

    monkeypatch.setattr("picturewise.tasks.many_checks.find_spec", without)
    assert app.run(arguments) == 2
    assert "needs pyarrow. Install it with:" in capsys.readouterr().err
