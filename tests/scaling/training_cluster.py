"""A Ray cluster on this machine, and training on it in which a worker is killed; run in a process of its own.

Argument: the run's folder. It prints one JSON object.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import picturewise


def main(place: str) -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    os.environ["RAY_ADDRESS"] = cluster.address
    killed: list[int] = []

    def kill() -> None:
        while not list(Path(place).glob("checkpoints/*-*")):
            time.sleep(0.02)
        killed.append(_training())
        os.kill(killed[0], signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    run = picturewise.train(
        "digits", model="cnn", epochs=4, folds=0, workers=2, on="ray", out=place,
        checkpoint_minutes=0.001, limit=400,
    )  # fmt: skip
    print(json.dumps({"weights": run.record.final_weights_sha256, "killed": len(killed)}))
    cluster.shutdown()


def _training() -> int:
    """Return the id of a process that Ray Train uses as a worker."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if b"RayTrainWorker" in (place / "cmdline").read_bytes():
                return int(place.name)
        except OSError:
            continue
    raise SystemExit("There is no worker.")


if __name__ == "__main__":
    main(sys.argv[1])
