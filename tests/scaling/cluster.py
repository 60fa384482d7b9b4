"""A Ray cluster of two nodes on this machine, and a job on it in which a node is removed; run in a process of its own.

Arguments: the classifier's file, the source, the folder of the results, and the number of pictures in a part. It prints
one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from picturewise.tasks.predict_many import predict_many


def main(classifier: str, source: str, out: str, part_rows: int) -> None:
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = cluster.address
    seen = {"nodes": len(list(cluster.list_all_nodes())), "parts_when_removed": -1}

    def remove() -> None:
        while (there := len(list(Path(out).glob("part-*")))) < 3:
            time.sleep(0.01)
        seen["parts_when_removed"] = there
        cluster.remove_node(second, allow_graceful=False)

    thread = threading.Thread(target=remove)
    thread.start()
    began = time.monotonic()
    found = predict_many(classifier, source, out=out, part_rows=part_rows, on="ray", progress=False)
    seconds = time.monotonic() - began
    thread.join()
    assert not ray.is_initialized()
    print(json.dumps({**seen, "rows": found.rows, "parts": found.parts, "seconds": round(seconds, 1)}))
    cluster.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
