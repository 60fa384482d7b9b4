"""All steps once, on 1,797 real scans of digits that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from picturewise import files
from picturewise.arguments import checked
from picturewise.evaluation.evaluation import Evaluation
from picturewise.runs.run import Run
from picturewise.tasks.compare import RunComparison, compare
from picturewise.tasks.evaluate import evaluate
from picturewise.tasks.inspect import Inspection, inspect
from picturewise.tasks.train import train

MODELS = ("mlp", "cnn")

Step = Inspection | Run | Evaluation | RunComparison


@checked
def demo(
    out: str | Path | None = None, *, tell: Callable[[str, Step], None] | None = None, progress: bool = True
) -> RunComparison:
    """Inspect `digits`, train an MLP and a CNN, evaluate and compare them; return the comparison with its report.

    Args:
        out: the folder for everything; none: `picturewise-demo/<number>` in the working folder.
        tell: called after each step with the equivalent command and its result.
        progress: show the progress of training on the standard error output.
    """
    folder = files.new_folder(Path("picturewise-demo"), "demo") if out is None else Path(out)
    tell = tell or (lambda command, step: None)
    tell("picturewise inspect digits", inspect("digits", out=folder / "inspect", progress=progress))
    runs = []
    for model in MODELS:
        run = train("digits", model=model, out=folder / model, progress=progress)
        tell(f"picturewise train digits --model {model} --out {run.path}", run)
        tell(f"picturewise evaluate {run.path}", evaluate(run, progress=progress))
        runs.append(run)
    comparison = compare(runs, out=folder, progress=progress)
    tell(f"picturewise compare {' '.join(str(run.path) for run in runs)}", comparison)
    return comparison
