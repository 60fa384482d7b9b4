from __future__ import annotations

import pytest
from pydantic import ValidationError

from picturewise.data.options import DataOptions


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": (0, 8)},
        {"size": (8, 1025)},
        {"size": (8,)},
        {"resize": "squeeze"},
        {"valid_fraction": 1},
        {"test_fraction": 1},
        {"split_seed": -1},
        {"skipbad": True},
    ],
)
def test_values_out_of_range_and_unknown_names_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DataOptions(source="digits", **wrong)


def test_options_survive_json() -> None:
    options = DataOptions(source="digits", size=(8, 9), resize="pad", split_seed=3)
    assert DataOptions.model_validate_json(options.model_dump_json()) == options


def test_every_option_documents_itself() -> None:
    assert all(field.description for field in DataOptions.model_fields.values())
