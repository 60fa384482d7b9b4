"""`page_file`: one HTML file that classifies pictures in a browser, without any server and without a network."""

from __future__ import annotations

import base64
import functools
import gzip
from collections.abc import Mapping
from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING, Any

from picturewise.errors import UsageError
from picturewise.exporting.facts import answers_of
from picturewise.exporting.page.page_template import asset, digest, filled, script_of, with_parts
from picturewise.prediction.drawing import drawing_style

if TYPE_CHECKING:
    from picturewise.prediction.classifier import Classifier

MOST_BYTES = 200_000_000
"""Of the ONNX file. A page holds it as text, and browsers have room for about 500 million characters."""

_SCRIPTS = (
    "resizing.js",
    "png.js",
    "jpeg_waves.js",
    "jpeg_scans.js",
    "jpeg.js",
    "pictures.js",
    "model.js",
    "likeness.js",
    "offline.js",
)
_RUNTIME, _WASM = "ort.wasm-core.min.js", "ort-wasm-simd.wasm"


def page_file(classifier: Classifier, facts: Mapping[str, Any], version: str, onnx: bytes) -> bytes:
    """Return the content of the HTML file; equal classifiers give equal bytes.

    The page asks for nothing: its policy allows only the scripts and the style whose digests it names, and no
    connection. It needs a browser of 2023 or later (WebAssembly with vector instructions, DecompressionStream).

    Args:
        classifier: what is exported.
        facts: those of `facts_of`, shown at the end of the page.
        version: of Picturewise.
        onnx: the content of the classifier's ONNX file, see `whole_model`.

    Raises:
        UsageError: the ONNX file is too large for a page.
    """
    if len(onnx) > MOST_BYTES:
        raise UsageError(
            f"The model has {len(onnx) / 1e6:,.0f} MB, but a page can hold {MOST_BYTES / 1e6:,.0f} MB. "
            "Export it as ONNX instead."
        )
    runtime = _runtime()
    inside = {
        "wasm": base64.b64encode(_stored(f"{_WASM}.gz")).decode(),
        "model": base64.b64encode(gzip.compress(onnx, 9, mtime=0)).decode(),
        "runtime": runtime,
    }
    parts = {
        "promise": "Your pictures stay on this device: this page works offline and sends nothing.",
        "service": "",
        "accepted": "image/*",
        "forms": "PNG, JPEG, WebP, GIF, BMP and what else this browser can show",
        "licences": asset("licences.html"),
        "model": with_parts(asset("model.html"), inside),
    }
    allowed = {"script-src": f"{digest(runtime)} 'wasm-unsafe-eval'"}
    return filled(parts, allowed, _facts(classifier, facts, version), script_of(_SCRIPTS))


def _facts(classifier: Classifier, facts: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return what the scripts need to know."""
    description = classifier.description
    height, width, channels = description.shape
    learned = description.learned
    return {
        "version": version,
        **answers_of(description),
        "height": height,
        "width": width,
        "channels": channels,
        "resize": description.resize,
        "background": description.background,
        "deepRange": description.values,
        "learned": None if learned is None else asdict(learned),
        "drawing": drawing_style(description),
        "facts": dict(facts),
        "licence": _stored("LICENSE.txt").decode(),
    }


@functools.cache
def _runtime() -> str:
    """Return ONNX Runtime Web as a function, whose only way to fetch anything is what it is given."""
    code = gzip.decompress(_stored(f"{_RUNTIME}.gz")).decode()
    lines = [line for line in code.splitlines() if not line.startswith("//# sourceMappingURL=")]
    return "\n".join(["function onnxRuntime(fetch, XMLHttpRequest, Worker) {", *lines, "return ort;", "}"])


def _stored(name: str) -> bytes:
    return resources.files(__package__).joinpath("runtime", name).read_bytes()
