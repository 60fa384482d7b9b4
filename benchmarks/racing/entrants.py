"""Who is measured: which scripts, in which environment, on which workloads."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from racing.workloads import Task, Workload

ALL_BUT_IMPORT: frozenset[Task] = frozenset({"train", "predict", "picture"})
ALL: frozenset[Task] = ALL_BUT_IMPORT | {"import"}


@dataclass(frozen=True)
class Entrant:
    """One contender.

    Attributes:
        title: in the tables.
        scripts: what the names of its scripts begin with.
        tasks: those that it takes part in.
        networks: those that it has layers for; none: all.
        at_home: Picturewise's own environment has all that it needs.
        environment: variables of its processes.
        precision: of Picturewise's training.
        workers: processes that a DataLoader reads files with.
    """

    title: str
    scripts: str
    tasks: frozenset[Task] = ALL_BUT_IMPORT
    networks: frozenset[str] | None = None
    at_home: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    precision: str = "auto"
    workers: int = 0

    def takes_part(self, workload: Workload) -> bool:
        """Return whether it has a way to do it."""
        known = self.networks is None or not workload.network or workload.network in self.networks
        return workload.task in self.tasks and known

    def variables(self) -> dict[str, str]:
        """Return the environment of its processes."""
        return os.environ | self.environment


# The ratios are those of the first one of a run.
ENTRANTS = {
    "picturewise": Entrant("Picturewise", "picturewise", tasks=ALL, at_home=True),
    "picturewise-float32": Entrant(
        "Picturewise, float32", "picturewise", tasks=frozenset({"train"}), at_home=True, precision="float32"
    ),
    "keras-jax": Entrant("Keras 3 on JAX", "keras", tasks=ALL, environment={"KERAS_BACKEND": "jax"}),
    "keras-torch": Entrant("Keras 3 on PyTorch", "keras", tasks=ALL, environment={"KERAS_BACKEND": "torch"}),
    "torch": Entrant("PyTorch, as in tutorials", "torch", tasks=ALL, at_home=True),
    "torch-expert": Entrant(
        "PyTorch, expert loop", "expert", tasks=frozenset({"train", "predict"}), at_home=True
    ),
    "torch-workers": Entrant(
        "PyTorch, DataLoader with 2 workers", "torch", tasks=frozenset({"import"}), at_home=True, workers=2
    ),
    "lightning": Entrant("Lightning", "lightning"),
    "fastai": Entrant("fastai", "fastai"),
    "sklearn": Entrant("scikit-learn, MLPClassifier", "sklearn", networks=frozenset({"dense"}), at_home=True),
}
