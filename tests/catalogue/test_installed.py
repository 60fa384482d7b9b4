from __future__ import annotations

import json
import os

from picturewise.catalogue.fetch import fetch, remove
from picturewise.catalogue.installed import RECEIPT, Installed, is_published

FIRST = "train-images-idx3-ubyte.gz"


def test_the_receipt_says_where_each_file_came_from(place: Installed, server) -> None:
    fetch(place)
    receipt = json.loads((place.folder / RECEIPT).read_text())
    assert {line["address"] for line in receipt.values()} == {server.url("good/") + name for name in receipt}


def test_a_damaged_receipt_makes_remove_careful(place: Installed) -> None:
    fetch(place)
    (place.folder / RECEIPT).write_text('["no receipt"]')
    assert remove(place)[0] == 0
    assert place.is_here()


def test_a_file_is_the_fetched_one_until_it_is_touched(place: Installed) -> None:
    assert not place.was_fetched(FIRST)
    fetch(place)
    assert place.was_fetched(FIRST)
    os.utime(place.folder / FIRST, ns=(1, 1))
    assert not place.was_fetched(FIRST)
    assert place.strange() == []  # its content is still the published one


def test_only_size_and_checksum_together_make_the_published_file(place: Installed) -> None:
    fetch(place)
    file = place.entry.files[0]
    content = bytearray((place.folder / FIRST).read_bytes())
    assert is_published(place.folder, file)
    (place.folder / FIRST).write_bytes(content + b"x")
    assert not is_published(place.folder, file)
    content[-1] ^= 1
    (place.folder / FIRST).write_bytes(content)
    assert not is_published(place.folder, file)
    assert place.strange() == [FIRST]
    assert not is_published(place.folder.parent, file)
