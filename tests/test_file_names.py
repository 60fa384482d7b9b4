from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from picturewise.file_names import path_of, text_of, valid

SCRIPT = """
import os, sys
from pathlib import Path
from picturewise.file_names import path_of, text_of
from picturewise.printable import printable
found = [(text_of(Path(sys.argv[1]) / name), printable(Path(name))) for name in os.listdir(sys.argv[1])]
assert all(path_of(text).read_bytes() == b"here" for text, _ in found)
print(ascii(sorted((os.path.basename(text), shown) for text, shown in found)))
"""
NAMES = [b"Ros\xc3\xa9 \xe7\x8c\xab.png", b"caf\xe9.png", b"plain.png", b"\xf0\x9f\x8c\xb9", b"back\\udce9"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not take any bytes as a name")
def test_a_name_is_the_same_text_in_every_locale_and_leads_back_to_its_file(tmp_path: Path) -> None:
    for name in NAMES:
        with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:  # noqa: PTH123 (a name in bytes)
            file.write(b"here")
    said = []
    for locale in (ASCII, {"LC_ALL": "C.UTF-8"}, {"LC_ALL": "POSIX"}):
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("LC_")
        } | locale
        found = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path)], env=environment, capture_output=True, text=True, check=True
        )  # fmt: skip
        said.append(found.stdout)
    assert said[0] == said[1] == said[2]
    assert r"('Ros\xe9 \u732b.png', 'Ros\xe9 \u732b.png')" in said[0]
    assert r"('caf\\udce9.png', 'caf\\udce9.png')" in said[0]


def test_plain_texts_stay_as_they_are() -> None:
    for text in ("data/digits", "Rosé", "a\\b", ""):
        assert text_of(text) == valid(text) == text
        assert path_of(text) == Path(text)


def test_what_no_file_can_hold_is_escaped() -> None:
    assert valid("a\ud800b\udcff") == "a\\ud800b\\udcff"
    valid("\udcc3\udca9\udce9").encode()
    assert valid("\udcc3\udca9\udce9") == "é\\udce9"
