from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picturewise.errors import RunError
from picturewise.runs.history import Epoch, best_epoch, read_csv, to_csv

NUMBER = st.floats(allow_nan=False, allow_infinity=False)
HISTORIES = st.lists(
    st.builds(
        Epoch, st.integers(1, 100_000), *[NUMBER] * 7, st.none() | NUMBER, st.none() | st.integers(1, 99)
    ),
    max_size=5,
)
ROW = Epoch(1, 0.001, 0.7, 0.5, 0.6, 0.55, 12.5, 800.0, 1.5, 6)


@given(history=HISTORIES)
def test_a_history_comes_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, history: list[Epoch]
) -> None:
    path = tmp_path_factory.getbasetemp() / "history.csv"
    path.write_text(to_csv(history))
    assert read_csv(path) == history


def test_the_file_is_what_any_spreadsheet_reads() -> None:
    assert to_csv([ROW]) == (
        "epoch,learning_rate,train_loss,train_accuracy,valid_loss,valid_accuracy,seconds,images_per_second,"
        "valid_seconds,views\n"
        "1,0.001,0.7,0.5,0.6,0.55,12.5,800.0,1.5,6\n"
    )


@pytest.mark.parametrize(("missing", "last"), [(["views"], ",6\n"), (["valid_seconds", "views"], ",1.5,6\n")])
def test_files_of_before_lack_the_last_columns(tmp_path: Path, missing: list[str], last: str) -> None:
    before = to_csv([ROW]).replace("".join(f",{name}" for name in missing), "").replace(last, "\n")
    (tmp_path / "history.csv").write_text(before)
    assert read_csv(tmp_path / "history.csv") == [replace(ROW, **dict.fromkeys(missing))]


def test_the_best_epoch_has_the_highest_accuracy_then_the_lowest_loss_then_the_lowest_number() -> None:
    lower_loss = replace(ROW, epoch=2, valid_loss=0.5)
    assert best_epoch([ROW, replace(ROW, epoch=2, valid_accuracy=0.56, valid_loss=9)]).epoch == 2
    assert best_epoch([ROW, lower_loss]) == lower_loss
    assert best_epoch([ROW, replace(ROW, epoch=2), replace(ROW, epoch=3)]) == ROW


LINES = to_csv([ROW]).splitlines(keepends=True)


@pytest.mark.parametrize(
    "content",
    [
        "".join([LINES[0].replace("epoch,", "epoche,"), LINES[1]]),
        "".join([LINES[0].replace(",seconds", ""), LINES[1]]),
        "".join([*LINES, "2,0.1,0.1\n"]),
        "".join([*LINES, "two" + LINES[1][1:]]),
        "".join([*LINES, LINES[1].strip() + ",1,2\n"]),
        "".join([LINES[0], LINES[1].replace("0.7", "much")]),
        *(
            "".join([LINES[0], LINES[1].replace("0.7", number)])
            for number in ("nan", "inf", "-Infinity", "1e400")
        ),
        "".join([*LINES, '"' + "x" * 200_000]),
        "just text\nof two lines",
        LINES[0][1:],
        "",
        b"\xff\xfe\x00".decode("latin-1"),
    ],
)
def test_what_is_no_history_is_told_with_its_path(tmp_path: Path, content: str) -> None:
    path = tmp_path / "history.csv"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(RunError, match=r"history\.csv is damaged: its rows are not a training history"):
        read_csv(path)


def test_a_history_that_is_not_there_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"history\.csv cannot be read: No such file"):
        read_csv(tmp_path / "history.csv")


def test_only_epochs_that_were_validated_with_all_views_can_be_the_best() -> None:
    early = replace(ROW, valid_accuracy=0.9, views=1)
    late = [replace(ROW, epoch=2, valid_accuracy=0.8), replace(ROW, epoch=3, valid_accuracy=0.7)]
    assert best_epoch([early]) == early
    assert best_epoch([early, *late]).epoch == 2
    assert best_epoch([replace(row, views=None) for row in (early, *late)]).epoch == 1  # of an older version
