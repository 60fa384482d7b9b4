"""Write THIRD-PARTY-LICENCES.md from the metadata of what is installed: python tests/packaging/third_party.py.

Every package that the base or an extra for users needs is listed, with what these need in turn. Versions are those of
constraints.txt, and a package that is installed in another version ends the program.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FILE = ROOT / "THIRD-PARTY-LICENCES.md"
DEVELOPMENT = frozenset({"dev", "docs"})
"""The extras that users do not install."""

PERMISSIVE = frozenset(
    {
        *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0"),
        *("CC0-1.0", "MIT", "MIT-0", "MIT-CMU", "PSF-2.0", "Zlib"),
    }
)
NOT_PERMISSIVE = {
    "certifi": "MPL-2.0 asks that changes to its own files are published under the same licence. "
    "Picturewise uses it unchanged.",
    "tqdm": "Parts of it are under MPL-2.0, which asks that changes to its own files are published under the same "
    "licence. Optuna uses it; Picturewise changes nothing in it.",
}
"""Package → what its licence asks for."""

# What packages write that are older than SPDX identifiers in metadata.
_IDENTIFIERS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "MPL-2.0 AND MIT": "MPL-2.0 AND MIT",
    "3-Clause BSD License": "BSD-3-Clause",
    "Python Software Foundation License": "PSF-2.0",
}
_NOT_A_SOURCE = ("issue", "bug", "change", "release", "fund", "donat")
_SOURCES = ("source", "repository", "code", "homepage", "home", "documentation")
"""Labels of addresses in a package's metadata, the best first."""

HEAD = """\
# Third-party licences

Picturewise is licensed under Apache-2.0 and contains no code of these packages: pip installs them beside it. Versions
are those of `constraints.txt`, licences those that the packages' metadata name. This file is written by
`python tests/packaging/third_party.py`.

"""
FOOT = """
One program is a part of Picturewise: ONNX Runtime Web 1.18.0 (MIT, Microsoft Corporation), from the npm package
onnxruntime-web, <https://github.com/microsoft/onnxruntime>. It lies unchanged, but compressed, in
`src/picturewise/exporting/page/runtime`, with its licence and its digests, and is copied into the pages that
`picturewise export --to page` writes. The notices of the libraries in it are in `ThirdPartyNotices.txt` of that
repository, at the tag v1.18.0.

Wheels of NumPy, SciPy, scikit-learn and PyTorch bundle compiled libraries, GCC's run-time libraries (GPL-3.0 with the
GCC Runtime Library Exception) among them; SciPy's and NumPy's also bundle libquadmath (LGPL-2.1). Their wheels contain
the licence texts. PyTorch's GPU build installs NVIDIA's libraries, which are under NVIDIA's own terms and not open
source; the CPU build does not.

Wheels of pillow-heif, which only the extra `heif` installs, bundle libheif and libde265 (LGPL-3.0) and the encoder x265
(GPL-2.0), so that these wheels as a whole are under GPL-2.0. Picturewise decodes with it and does not distribute it.
"""


@dataclass(frozen=True)
class Licence:
    """One row of the file.

    Attributes:
        package: normalised name.
        version: from constraints.txt.
        identifier: SPDX expression.
        source: address of its source code, or of its home page.
        needed_for: "base", the extras that name it, or what else brings it along.
    """

    package: str
    version: str
    identifier: str
    source: str
    needed_for: str

    @property
    def row(self) -> str:
        """The line of the table."""
        return (
            f"| {self.package} | {self.version} | {self.identifier} | {self.needed_for} | <{self.source}> |"
        )

    @property
    def is_permissive(self) -> bool:
        """Whether every licence that applies is permissive; of alternatives, one is enough."""
        return any(
            set(re.split(r" AND ", choice.strip("()"))) <= PERMISSIVE
            for choice in self.identifier.split(" OR ")
        )


def declared() -> dict[str, list[Requirement]]:
    """Return what pyproject.toml asks users to install: "base" or an extra → requirements."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {"base": project["dependencies"], **project["optional-dependencies"]}
    return {
        name: [asked for asked in map(Requirement, lines) if asked.name != "picturewise"]  # another extra
        for name, lines in wanted.items()
        if name not in DEVELOPMENT
    }


def constrained() -> dict[str, str]:
    """Return the versions of constraints.txt by normalised name."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def licences() -> tuple[list[Licence], list[str]]:
    """Return a row for each package, in order of their names, and the names of those that are not installed."""
    needed: dict[str, list[str]] = {}
    waiting = [(requirement, group) for group, wanted in declared().items() for requirement in wanted]
    found: dict[str, Distribution] = {}
    absent = set()
    while waiting:
        requirement, group = waiting.pop(0)
        name = canonicalize_name(requirement.name)
        groups = needed.setdefault(name, [])
        if group in groups or (groups and group not in declared()):
            continue
        groups.append(group)
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            if name in constrained():
                raise SystemExit(f"{name} is not installed; constraints.txt has it.") from None
            absent.add(name)
            continue
        for line in found[name].requires or ():
            below = Requirement(line)
            if below.marker is None or _applies(below, requirement.extras):
                waiting.append((below, name))
    versions = constrained()
    rows = []
    for name, package in sorted(found.items()):
        version = versions.get(name)
        if version != package.version.partition("+")[0]:
            raise SystemExit(f"{name} {package.version} is installed; constraints.txt has {version}.")
        rows.append(
            Licence(name, version, identifier(package), source(package), ", ".join(sorted(needed[name])))
        )
    return rows, sorted(absent)


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    assert requirement.marker is not None
    return any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def identifier(package: Distribution) -> str:
    """Return the SPDX expression of a package's licence, from its metadata or its licence text."""
    metadata = package.metadata
    if expression := metadata.get("License-Expression"):
        return expression
    classifiers = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or ()]
    for said in (metadata.get("License"), *classifiers):
        if said in PERMISSIVE or said == "MPL-2.0":
            return said
        if said in _IDENTIFIERS:
            return _IDENTIFIERS[said]
    if re.match("Apache (Software )?License,? 2.0", next(_licence_texts(package), "").strip()):
        return "Apache-2.0"
    # "BSD" alone leaves open which: the third clause forbids to use the authors' names.
    text = " ".join("\n".join(_licence_texts(package)).split())
    if "Redistribution and use in source and binary forms" in text:
        return (
            "BSD-3-Clause"
            if re.search("Neither the names? |may not be used to endorse", text)
            else "BSD-2-Clause"
        )
    raise SystemExit(f"The licence of {package.name} is not named in its metadata.")


def _licence_texts(package: Distribution) -> Iterable[str]:
    for path in package.files or ():
        if ".dist-info" in str(path) and re.match("licen[sc]e|copying", path.name, re.IGNORECASE):
            yield path.read_text(encoding="utf-8")


def source(package: Distribution) -> str:
    """Return where a package's source code lies, or its home page."""
    lines = package.metadata.get_all("Project-URL") or ()
    addresses = {
        label.strip().lower(): address.strip() for label, _, address in (s.partition(",") for s in lines)
    }
    for wanted in _SOURCES:
        for label, address in addresses.items():
            if wanted in label and not any(word in label for word in _NOT_A_SOURCE):
                return address
        if wanted == "code" and (home := package.metadata.get("Home-page")):
            return home
    raise SystemExit(f"{package.name} does not say where it comes from.")


def text() -> str:
    """Return the content of the file."""
    rows, absent = licences()
    lines = [
        HEAD,
        "| package | version | licence | needed by | source |\n|---|---|---|---|---|\n",
        *(f"{row.row}\n" for row in rows),
    ]
    if others := [row for row in rows if not row.is_permissive]:
        lines += ["\nAll of these licences are permissive but one kind:\n\n"]
        lines += [f"- {row.package}: {NOT_PERMISSIVE[row.package]}\n" for row in others]
    if absent:
        names = ", ".join(absent)
        lines.append(f"\nNot installed when this file was written, so not listed: {names}.\n")
        lines.append("The extras ray and timm need them.\n")
    return "".join([*lines, FOOT])


if __name__ == "__main__":
    sys.stdout.write(f"{FILE.write_text(text(), encoding='utf-8'):,} characters written to {FILE}\n")
