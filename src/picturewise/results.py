"""`Result`: base of the models that are returned to users; short as a text, and frozen."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from picturewise.reprs import fields_of, never_raises, offered

_INTERNAL = frozenset(dir(BaseModel)) - {"model_copy", "model_dump", "model_dump_json"}


class Result(BaseModel):
    """A model whose `repr` has every field, but only the beginning of long ones."""

    model_config = ConfigDict(frozen=True)

    @never_raises
    def __repr__(self) -> str:
        return fields_of(self, type(self).model_fields)

    def __str__(self) -> str:
        return repr(self)

    def __dir__(self) -> list[str]:
        return offered(self, internal=_INTERNAL)
