"""Pickles made to do harm: each must give one clear error, quickly and with little memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.cases import cases
from hostile.file import Hostile
from hostile.pickles import ARRAY, ATTACKS, BYTES, FILES, MARKER, array, asks_for
from read_place import read_place

from picturewise.data.options import DataOptions
from picturewise.errors import DataError
from picturewise.untrusted.pickles import reader

LARGE = [name for name, (content, _) in ATTACKS.items() if len(content) > 10_000]


@pytest.mark.parametrize("attack", cases(ATTACKS, *LARGE))
def test_a_hostile_pickle_is_refused_in_a_sentence_and_does_nothing(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (content, said), modules = ATTACKS[attack], set(sys.modules)
    started = time.process_time()
    with pytest.raises(DataError, match=said) as caught:
        reader.decode_table(content, "data.pickle")
    assert time.process_time() - started < 2
    message = str(caught.value)
    assert message.startswith("data.pickle ")
    assert message.endswith(".")
    assert message.isprintable()
    assert len(message) < 400
    assert list(tmp_path.iterdir()) == []
    assert set(sys.modules) == modules


@pytest.mark.parametrize("file", cases(FILES, *LARGE))
def test_a_hostile_pickle_is_refused_as_a_source(file: Hostile, refusal: Callable[..., str]) -> None:
    refusal(file, memory=200_000_000 if file.name in LARGE else None)


def test_the_error_names_what_the_file_asks_for() -> None:
    with pytest.raises(
        DataError, match=r"data\.pickle refers to os\.system, .* Picturewise never runs code from files"
    ):
        reader.decode(asks_for("os", "system"), "data.pickle")


def test_every_reading_of_a_source_is_refused_in_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set.pkl").write_bytes(ATTACKS["reduce os.system"][0])
    (tmp_path / "cifar-10-batches-py").mkdir()
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(ATTACKS["reduce in a batch"][0])
    for source in ("set.pkl", "cifar-10-batches-py"):
        with pytest.raises(DataError, match=r"refers to \w+\.system, .* Picturewise never runs code"):
            read_place(DataOptions(source=source))
    assert not Path(MARKER).exists()


@pytest.mark.parametrize(
    "called",
    [
        *("numpy.core.multiarray _reconstruct", "numpy dtype", "numpy.core.multiarray scalar"),
        *("numpy.core.numeric _frombuffer", "_codecs encode", "__builtin__ bytes"),
    ],
)
def test_arrays_where_plain_values_belong_are_refused(called: str) -> None:
    made = array(b"K\x02", b"C\x02ab")[:-1] + b"q\x64"  # an array, kept under the number 100
    named = "c{}\n{}\n".format(*called.split()).encode()
    plain = (
        b"h\x64",
        b"h\x64\x85",
        b"cnumpy\nndarray\n",
        b"K\0\x85",
        b"C\x01b",
        BYTES,
        b"K\x02\x85",
        b"U\x01C",
    )
    for count in range(1, 6):
        for first in plain:
            for others in plain:
                content = made + named + b"(" + first + others * (count - 1) + b"h\x64tR."
                with pytest.raises(DataError, match=r"describes an array|contains an array|is truncated"):
                    reader.decode(content, "data.pickle")
    for state in (
        b"h\x64",
        b"K\1K\2\x85" + BYTES + b"h\x64C\x02ab",
        b"h\x64K\2\x85" + BYTES + b"\x89C\x02ab",
    ):
        with pytest.raises(DataError, match=r"describes an array|contains an array|is truncated"):
            reader.decode(made + ARRAY + b"(" + state + b"tb.", "data.pickle")
