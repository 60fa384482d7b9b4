"""A search on a Ray cluster of two nodes on this machine, of which one is removed; run in a process of its own.

Arguments: the pictures, the space, and the folder of the search. It prints one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

import picturewise
from picturewise.tuning import searching


def main(pictures: str, space: str, out: str) -> None:
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = cluster.address
    searching.Search.report = lambda *_, **__: True  # type: ignore[method-assign]  # no trial is stopped: that depends on the order
    removed: list[int] = []

    def remove() -> None:
        while len(begun := list(Path(out, "trials").glob("[0-9]*/history.csv"))) < 2:
            time.sleep(0.01)
        removed.append(len(begun))
        cluster.remove_node(second, allow_graceful=False)

    threading.Thread(target=remove, daemon=True).start()
    found = picturewise.tune(
        pictures, trials=4, space=space, out=out, model="cnn", epochs=8, on="ray", seeds=2, progress=False
    )  # fmt: skip
    assert not ray.is_initialized()
    states = [trial.state for trial in found.trials]
    print(json.dumps({"removed": len(removed), "states": states, "compared": found.comparison is not None}))
    cluster.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
