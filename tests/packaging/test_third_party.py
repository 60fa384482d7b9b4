"""THIRD-PARTY-LICENCES.md names every package that users install."""

from __future__ import annotations

import re

import pytest
import third_party
from packaging.utils import canonicalize_name
from third_party import Licence

ROW = re.compile(r"^\| (\S+) \| (\S+) \| ([^|]+) \| ([^|]+) \| <(https?://\S+)> \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def rows() -> list[Licence]:
    found = ROW.findall(third_party.FILE.read_text(encoding="utf-8"))
    return [Licence(name, version, licence, source, by) for name, version, licence, by, source in found]


def test_every_dependency_in_pyproject_is_in_the_file(rows: list[Licence]) -> None:
    wanted = {
        canonicalize_name(requirement.name)
        for requirements in third_party.declared().values()
        for requirement in requirements
    }
    assert len(wanted) > 20
    # Ray (Apache-2.0) is large, and installed only where the tests of a cluster run.
    assert wanted - {row.package for row in rows} <= {"ray"}


def test_versions_are_those_of_the_constraints(rows: list[Licence]) -> None:
    constrained = third_party.constrained()
    assert [row for row in rows if constrained.get(row.package) != row.version] == []


def test_every_licence_is_permissive_or_explained(rows: list[Licence]) -> None:
    others = {row.package for row in rows if not row.is_permissive}
    assert others == set(third_party.NOT_PERMISSIVE)


@pytest.mark.parametrize(
    ("identifier", "permissive"),
    [
        ("MIT", True),
        ("BSD-3-Clause AND Zlib", True),
        ("BSD-3-Clause AND GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("MPL-2.0", False),
    ],
)
def test_of_licences_all_apply_and_of_alternatives_one_is_chosen(identifier: str, permissive: bool) -> None:
    assert Licence("some", "1", identifier, "https://example.org", "base").is_permissive == permissive


def test_the_file_is_what_the_program_writes() -> None:
    try:
        written = third_party.text()
    except SystemExit as error:
        pytest.skip(f"other packages are installed than the file is about: {error}")
    assert third_party.FILE.read_text(encoding="utf-8") == written
