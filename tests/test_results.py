from __future__ import annotations

from picturewise.results import Result


class Found(Result):
    name: str
    numbers: tuple[int, ...]


def test_a_result_is_short_and_offers_its_fields_and_how_to_store_it() -> None:
    found = Found(name="digits", numbers=tuple(range(10_000)))
    assert repr(found) == str(found) == "Found(name='digits', numbers=(0, 1, 2, ...))"
    public = [name for name in dir(found) if not name.startswith("_")]
    assert public == ["model_copy", "model_dump", "model_dump_json", "name", "numbers"]


def test_a_result_that_was_made_in_part_can_be_looked_at() -> None:
    assert repr(Found.model_construct(name="digits")) == "Found(name='digits')"
