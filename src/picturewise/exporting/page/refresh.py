"""Fetch ONNX Runtime Web from npm and write `runtime/` again: `python -m picturewise.exporting.page.refresh [VERSION]`.

Version 1.18.0 is the last with a build for one thread. Later builds reserve shared memory for threads even if they use
one, which some phones refuse, and import a module at run time, which the page's policy forbids; 1.30.0 is 30 % larger.
The page runs no model but its own, whose operators (opset 20) this version has.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "onnxruntime-web"
VERSION: Final = "1.18.0"
FILES: Final = ("ort.wasm-core.min.js", "ort-wasm-simd.wasm")
"""The interface without workers, and the WebAssembly with vector instructions, which browsers have since 2023."""
FOLDER: Final = Path(__file__).parent / "runtime"


def refresh(version: str, folder: Path = FOLDER) -> None:
    """Write the compressed files of a version and their digests; npm checks the package against its own digest.

    Args:
        version: of onnxruntime-web.
        folder: where they are written.
    """
    with tempfile.TemporaryDirectory() as place:
        packed = subprocess.run(  # noqa: S603 (a fixed command of a maintainer)
            ["npm", "pack", "--json", f"{PACKAGE}@{version}"],  # noqa: S607 (npm is wherever it was installed)
            cwd=place, check=True, capture_output=True,
        )  # fmt: skip
        (facts,) = json.loads(packed.stdout)
        package = Path(place, facts["filename"]).read_bytes()
    record = {"package": PACKAGE, "version": version, "licence": "MIT", "integrity": facts["integrity"]}
    digests = {}
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for name in FILES:
            member = archive.extractfile(f"package/dist/{name}")
            if member is None:
                raise FileNotFoundError(f"{PACKAGE} {version} does not contain dist/{name}.")
            content = member.read()
            compressed = gzip.compress(content, 9, mtime=0)
            (folder / f"{name}.gz").write_bytes(compressed)
            digests[name] = {
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "gz_sha256": hashlib.sha256(compressed).hexdigest(),
            }
    text = json.dumps({**record, "files": digests}, indent=2)
    (folder / "runtime.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    refresh(sys.argv[1] if len(sys.argv) > 1 else VERSION)
