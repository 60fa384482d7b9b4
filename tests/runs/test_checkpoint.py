from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from picturewise import files
from picturewise.errors import SaveError
from picturewise.networks import weights
from picturewise.runs.checkpoint import Checkpoint, Position, newest, save, sweep
from picturewise.runs.history import Epoch

ROW = Epoch(1, 1e-3, 0.1 + 0.2, 0.5, 0.6, 0.55, 12.5, 800.0)


def at(epoch: int, batch: int = 0) -> Checkpoint:
    position = Position(epoch, batch, (1 / 3, 7.0, 32.0), 1.25, (ROW,) * (epoch - 1))
    state = {
        "w": torch.full((2, 3), float(epoch)).to(memory_format=torch.contiguous_format),
        "n": torch.tensor(batch),
    }
    return Checkpoint(position, state, {"steps/w": torch.tensor(float(batch)), "mean/w": torch.ones(2, 3)})


def same(one: Checkpoint | None, other: Checkpoint) -> bool:
    return (
        one is not None
        and one.position == other.position
        and weights.fingerprint(one.weights) == weights.fingerprint(other.weights)
        and weights.fingerprint(one.optimizer) == weights.fingerprint(other.optimizer)
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_checkpoint_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    path = save(tmp_path / "checkpoints", at(3, 17))
    assert path == tmp_path / "checkpoints" / "000003-00000017"
    found, notes = newest(tmp_path / "checkpoints")
    assert same(found, at(3, 17))
    assert notes == ()


def test_there_is_none_in_an_empty_or_a_missing_folder(tmp_path: Path) -> None:
    assert newest(tmp_path) == newest(tmp_path / "nothing") == (None, ())


def test_the_newest_is_the_furthest_and_two_are_kept(tmp_path: Path) -> None:
    for epoch, batch in [(1, 5), (1, 900), (2, 0), (9, 99), (10, 0)]:
        save(tmp_path, at(epoch, batch))
        found, _ = newest(tmp_path)
        assert same(found, at(epoch, batch))
        assert len(names(tmp_path)) <= 2
    assert names(tmp_path) == ["000009-00000099", "000010-00000000"]


def test_one_written_again_replaces_the_old_one(tmp_path: Path) -> None:
    save(tmp_path, at(1, 5))
    path = save(tmp_path, at(2, 0))
    (path / "weights.safetensors").write_bytes(b"damaged")
    save(tmp_path, at(2, 0))
    found, notes = newest(tmp_path)
    assert same(found, at(2, 0))
    assert notes == ()
    assert names(tmp_path) == ["000001-00000005", "000002-00000000"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def turn_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove(path: Path) -> None:
    path.unlink()


def replace_by_a_list(path: Path) -> None:
    path.write_text("[1, 2]")


@pytest.mark.parametrize("name", ["weights.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("harm", [cut, turn_a_bit, remove, replace_by_a_list])
def test_a_damaged_one_is_passed_over_with_a_note(
    tmp_path: Path, name: str, harm: Callable[[Path], None]
) -> None:
    save(tmp_path, at(1, 5))
    path = save(tmp_path, at(2, 0))
    harm(path / name)
    if name == "state.json" and harm is cut:
        (path / name).write_bytes((path / name).read_bytes()[:-5])
    found, notes = newest(tmp_path)
    assert same(found, at(1, 5))
    (note,) = notes
    assert note.startswith(f"The checkpoint {path} is damaged and was skipped (")
    assert note.endswith(").")
    assert "\n" not in note


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.update(format=2),
        lambda state: state.pop("format"),
        lambda state: state["position"].update(batch=1),
        lambda state: state["position"].update(totals=[0.0, 7.0, 32.0]),
        lambda state: state["position"]["history"][0].update(valid_accuracy=0.56),
        lambda state: state["position"].pop("seconds"),
        lambda state: state.update(position=None),
        lambda state: state["sha256"].pop("weights.safetensors"),
    ],
)
def test_no_part_of_the_state_can_change_unnoticed(
    tmp_path: Path, change: Callable[[dict[str, object]], None]
) -> None:
    path = save(tmp_path, at(2, 0)) / "state.json"
    state = json.loads(path.read_text())
    change(state)
    path.write_text(json.dumps(state))
    found, notes = newest(tmp_path)
    assert found is None
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"epoch": "2"}, "state.json: epoch: Input should be a valid integer"),
        ({"epoch": 2.5}, "state.json: epoch: "),
        ({"epoch": -1}, "state.json: epoch: Input should be greater than or equal to 1"),
        ({"batch": -1}, "state.json: batch: "),
        ({"seconds": float("nan")}, "state.json: seconds: Input should be a finite number"),
        ({"totals": [1.0, 2.0]}, "state.json: totals.2: Field required"),
        ({"totals": [1.0, 2.0, None]}, "state.json: totals.2: "),
        ({"history": [{"epoch": 1}]}, "state.json: history.0.learning_rate: Field required"),
        ({"history": [asdict(ROW) | {"valid_loss": float("inf")}]}, "state.json: history.0.valid_loss: "),
        ({"history": "none"}, "state.json: history: "),
        ({"more": 1}, "state.json: more: Unexpected keyword argument"),
    ],
)
def test_a_position_of_other_types_is_passed_over_though_its_hash_is_right(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = save(tmp_path, at(2, 0)) / "state.json"
    state = json.loads(path.read_text())
    state["position"] |= change
    state["sha256"]["position"] = hashlib.sha256(json.dumps(state["position"]).encode()).hexdigest()
    path.write_text(json.dumps(state))
    found, (note,) = newest(tmp_path)
    assert found is None
    assert f"was skipped ({said}" in note
    assert note.isprintable()


@pytest.mark.parametrize("text", ["[" * 50_000, '{"a":' * 50_000 + "1" + "}" * 50_000])
def test_a_state_that_is_nested_deep_is_passed_over(tmp_path: Path, text: str) -> None:
    (save(tmp_path, at(2, 0)) / "state.json").write_text(text)
    found, notes = newest(tmp_path)
    assert found is None
    assert len(notes) == 1


def test_files_that_are_far_too_large_for_the_network_are_not_read(tmp_path: Path) -> None:
    path = save(tmp_path, at(2, 0)) / "weights.safetensors"
    content = path.read_bytes()
    os.truncate(path, 1 << 36)
    found, (note,) = newest(tmp_path, 7)
    assert found is None
    assert "its files are larger than the 67,109,088 bytes that this network can need" in note
    path.write_bytes(content)
    assert newest(tmp_path, 7)[0] is not None


def test_what_was_passed_over_is_dropped_when_the_run_saves_again(tmp_path: Path) -> None:
    for batch in (1, 2):
        cut(save(tmp_path, at(5, batch)) / "weights.safetensors")
    assert newest(tmp_path)[0] is None
    save(tmp_path, at(1, 1))
    found, notes = newest(tmp_path)
    assert same(found, at(1, 1))
    assert notes == ()


def test_other_things_in_the_folder_are_ignored(tmp_path: Path) -> None:
    good = save(tmp_path, at(1, 1))
    shutil.copytree(good, tmp_path / f"{files.TEMPORARY_PREFIX}1234-000009-00000000")
    (tmp_path / "my-notes").mkdir()
    (tmp_path / "000007-file").touch()
    found, notes = newest(tmp_path)
    assert same(found, at(1, 1))
    assert notes == ()
    for batch in (2, 3):
        save(tmp_path, at(1, batch))
    assert (tmp_path / "my-notes").exists()


def test_older_ones_stay_when_a_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path, at(1, 1))
    save(tmp_path, at(1, 2))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write_and_flush", full)
    with pytest.raises(SaveError, match="No space left while saving"):
        save(tmp_path, at(1, 3))
    assert names(tmp_path) == ["000001-00000001", "000001-00000002"]


HALF = f"{files.TEMPORARY_PREFIX}0123abcd-000001-00000002"


def test_half_a_checkpoint_is_swept_whatever_it_came_to(tmp_path: Path) -> None:
    whole = {path.name: path.read_bytes() for path in save(tmp_path, at(1, 1)).iterdir()}
    order = ["state.json", "weights.safetensors", "optimizer.safetensors"]
    assert set(order) == set(whole)
    for written in range(4):
        (tmp_path / HALF).mkdir()
        for name in order[:written]:
            (tmp_path / HALF / name).write_bytes(whole[name][:5])
        sweep(tmp_path)
        assert names(tmp_path) == ["000001-00000001"]


def test_only_folders_of_our_exact_name_with_our_state_file_are_ever_removed(tmp_path: Path) -> None:
    theirs = [
        "000000-backup",
        "2019-01-01",
        "000000-00000001 (copy)",
        "0000000000",
        f"{files.TEMPORARY_PREFIX}notes",
        f"{files.TEMPORARY_PREFIX}0123abcd-notes",
        f"{files.TEMPORARY_PREFIX}0123abc-000001-00000001",
    ]
    for name in theirs:
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.json").write_bytes(b"theirs")
    for name in ("000000-00000001", HALF):  # our name, without our file
        (tmp_path / name).mkdir()
        (tmp_path / name / "holiday.jpg").write_bytes(b"theirs")
    for name in (
        "000000-00000002",
        f"{files.TEMPORARY_PREFIX}0123abcd-000000-00000002",
    ):  # our file, and another one
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.json").write_bytes(b"{}")
        (tmp_path / name / "holiday.jpg").write_bytes(b"theirs")
    before = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for batch in range(3):
        save(tmp_path, at(1, batch))
        sweep(tmp_path)
    for path, content in before.items():
        assert Path(path).read_bytes() == content


def test_a_checkpoint_that_is_a_link_is_neither_read_nor_removed(tmp_path: Path) -> None:
    elsewhere = save(tmp_path / "elsewhere", at(3, 0))
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    (folder / "000003-00000000").symlink_to(elsewhere)
    (folder / HALF).symlink_to(elsewhere)
    assert newest(folder) == (None, ())
    sweep(folder)
    for batch in range(3):
        save(folder, at(1, batch))
    assert names(folder) == [HALF, "000001-00000001", "000001-00000002", "000003-00000000"]
    with pytest.raises(SaveError, match="000003-00000000 has the name of a checkpoint"):
        save(folder, at(3, 0))
    assert same(newest(elsewhere.parent)[0], at(3, 0))


def test_a_folder_in_the_place_of_a_checkpoint_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "000001-00000001").mkdir()
    (tmp_path / "000001-00000001" / "weights.safetensors").write_bytes(b"theirs")
    with pytest.raises(SaveError, match="has the name of a checkpoint, but Picturewise did not create it"):
        save(tmp_path, at(1, 1))
    assert (tmp_path / "000001-00000001" / "weights.safetensors").read_bytes() == b"theirs"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_in_a_checkpoint_is_damage_and_does_not_wait(tmp_path: Path) -> None:
    path = save(tmp_path, at(1, 1)) / "weights.safetensors"
    path.unlink()
    os.mkfifo(path)
    found, (note,) = newest(tmp_path)
    assert found is None
    assert "one of its files is missing" in note
