from __future__ import annotations

import subprocess
import sys
from types import ModuleType, SimpleNamespace

import pytest

from picturewise.notebook import LiveLine, in_notebook


def ipython(shell: object) -> ModuleType:
    module = ModuleType("IPython")
    module.get_ipython = lambda: shell  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(
    ("shell", "expected"),
    [(SimpleNamespace(kernel=object()), True), (SimpleNamespace(), False), (None, False)],
)
def test_a_notebook_is_a_shell_with_a_kernel(
    shell: object, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "IPython", ipython(shell))
    assert in_notebook() is expected


def test_ipython_is_not_loaded_to_find_out() -> None:
    code = "import sys; from picturewise.notebook import in_notebook; print(in_notebook(), 'IPython' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False False\n"


def test_texts_between_two_drawings_are_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    module = ModuleType("IPython.display")
    module.display = lambda content, **_: SimpleNamespace(  # type: ignore[attr-defined]
        update=lambda content, raw: seen.append(content["text/plain"])
    )
    monkeypatch.setitem(sys.modules, "IPython", ipython(None))
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    clock = iter([10.0, 10.0, 10.1, 11.0, 11.0, 11.1])
    monkeypatch.setattr("picturewise.notebook.time", SimpleNamespace(monotonic=lambda: next(clock)))
    line = LiveLine()
    assert not line.is_shown
    for text in ("one", "too soon", "two", "two"):
        line.show(text)
    line.show("last", now=True)
    assert line.is_shown
    assert seen == ["two", "last"]
