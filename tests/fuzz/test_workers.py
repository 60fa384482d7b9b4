from __future__ import annotations

import ctypes
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from random import Random

import array_seeds
import numpy as np
import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux alone tells it"
)

from readers import Reader  # noqa: E402 (after what decides whether it can be)
from seeds import Seed, one_file  # noqa: E402
from workers import Outcome, make_case, run_all  # noqa: E402

from picturewise.errors import DataError  # noqa: E402

SEED = one_file("a seed", "file", b"0123456789" * 10, "bytes")


def outcomes(behave: Callable[[int], None], cases: int = 6) -> dict[int, Outcome]:
    """Return the findings where a reader behaves badly at the third of a few cases."""
    third = make_case(Reader("bad", lambda: [SEED], lambda *_: None), [SEED], 2).files["file"]

    def read(folder: Path, _seed: Seed, _random: Random) -> None:
        if (folder / "file").read_bytes() == third:
            behave(2)

    tally = run_all(Reader("bad", lambda: [SEED], read), range(cases), 2)
    assert tally.cases == cases
    assert tally.read >= cases - 2
    return tally.findings


def crash(_: int) -> None:
    ctypes.string_at(0)


def leave(_: int) -> None:
    os._exit(0)


def raise_foreign(_: int) -> None:
    raise KeyError("x")


def take_memory(_: int) -> None:
    np.ones(1_200_000_000, np.uint8)


def ask_for_memory(_: int) -> None:
    try:
        np.empty(1 << 40, np.uint8)
    except MemoryError as error:
        raise DataError("too large") from error


def take_time(_: int) -> None:
    end = time.process_time() + 2.1
    while time.process_time() < end:
        pass


def warn(_: int) -> None:
    warnings.warn("overflow", RuntimeWarning, stacklevel=1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        (crash, "died"),
        (leave, "died"),
        (raise_foreign, "KeyError"),
        (take_memory, "memory"),
        (ask_for_memory, "memory"),
        (take_time, "slow"),
        (warn, "warning"),
    ],
)
def test_what_a_reader_must_not_do_is_found(behave: Callable[[int], None], kind: str) -> None:
    assert {number: found.kind for number, found in outcomes(behave).items()} == {2: kind}


def test_a_hanging_worker_is_ended_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.HANGING", 1.0)
    found = outcomes(lambda _: time.sleep(600))
    assert {number: outcome.kind for number, outcome in found.items()} == {2: "hangs"}


def test_a_seed_that_cannot_be_read_is_found() -> None:
    def refuse(*_: object) -> None:
        raise DataError("no")

    tally = run_all(Reader("bad", lambda: [SEED], refuse), range(4), 2)
    assert {number: found.kind for number, found in tally.findings.items()} == {-1: "a seed that is refused"}
    assert (tally.cases, tally.refused) == (4, 4)


def test_a_case_is_the_same_each_time_and_others_are_other_cases() -> None:
    reader = Reader("bad", lambda: [SEED], lambda *_: None)
    made = [make_case(reader, [SEED], number).files["file"] for number in range(50)]
    assert made == [make_case(reader, [SEED], number).files["file"] for number in range(50)]
    assert len(set(made)) > 40
    assert make_case(reader, [SEED], -1).files == SEED.files


def test_damage_under_a_checksum_that_is_read_as_something_else_is_found() -> None:
    seed = Seed("sealed", {"file": bytes(100)}, {"file": "bytes"}, "file", sealed={"file": ((20, 60),)})

    def read(folder: Path, _seed: Seed, _random: Random) -> str | None:
        content = (folder / "file").read_bytes()
        if content[20:40] != bytes(20):
            return content.hex()  # as if nothing were checked
        if any(content):
            raise DataError("damaged")
        return "what the seed holds"

    tally = run_all(Reader("bad", lambda: [seed], read), range(60), 2)
    assert tally.sealed > 10
    assert {outcome.kind for outcome in tally.findings.values()} == {"accepted"}
    assert all(
        make_case(Reader("bad", lambda: [seed], read), [seed], number).sealed for number in tally.findings
    )


def test_damage_that_a_weak_checksum_lets_pass_is_not_held_against_a_reader() -> None:
    sealed = {"file": ((20, 60),)}
    seed = Seed("weak", {"file": bytes(100)}, {"file": "bytes"}, "file", sealed=sealed, holds=lambda _: True)
    reader = Reader("bad", lambda: [seed], lambda folder, *_: (folder / "file").read_bytes().hex())
    assert run_all(reader, range(30), 2).findings == {}


def test_the_checksum_of_hdf5_is_told_from_a_wrong_one() -> None:
    seed = next(seed for seed in array_seeds.hdf5() if seed.holds is not None)
    assert seed.holds is not None
    content = bytearray(seed.files["set.h5"])
    assert seed.holds(bytes(content))
    for start, stop in seed.sealed["set.h5"]:
        for place in (start, stop - 1):
            content[place] ^= 1
            assert not seed.holds(bytes(content))
            content[place] ^= 1
