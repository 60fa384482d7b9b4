"""The service's numbers, in the text format that Prometheus reads (version 0.0.4)."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Histogram:
    """How many values were at most as large as each bound, and their sum."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: str) -> Iterator[str]:
        """Yield its lines; `labels` are those of a sample, without brackets."""
        total, comma = 0, "," if labels else ""
        for bound, count in zip((*self._bounds, "+Inf"), self._counts, strict=True):
            total += count
            yield f'{name}_bucket{{{labels}{comma}le="{bound}"}} {total}'
        yield f"{name}_sum{{{labels}}} {self._sum:.6f}"
        yield f"{name}_count{{{labels}}} {total}"


class Metrics:
    """What is counted. Labels are routes, names of models and codes: all from short lists."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self._seconds: dict[str, Histogram] = defaultdict(lambda: Histogram(_SECONDS))
        self._batches: dict[str, Histogram] = defaultdict(lambda: Histogram(_SIZES))
        self._pictures: dict[tuple[str, str], int] = defaultdict(int)
        self._reloads: dict[str, int] = {"loaded": 0, "failed": 0}

    @property
    def total(self) -> int:
        """How many requests have been answered."""
        return sum(self._requests.values())

    def request(self, route: str, model: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self._requests[route, model, status] += 1
        self._seconds[route].observe(seconds)

    def pictures(self, model: str, outcome: str, count: int) -> None:
        """Count pictures that were predicted or refused."""
        self._pictures[model, outcome] += count

    def batches(self, model: str) -> Callable[[int], None]:
        """Return the function that is told the size of each batch of a model."""
        return self._batches[model].observe

    def reload(self, *, worked: bool) -> None:
        """Count a model that was loaded again, or could not be."""
        self._reloads["loaded" if worked else "failed"] += 1

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """Return everything that is counted.

        Args:
            gauges: further values by name, each with what it is.
        """
        lines = list[str]()
        add = lines.append

        def head(name: str, kind: str, what: str) -> None:
            add(f"# HELP {name} {what}")
            add(f"# TYPE {name} {kind}")

        head("picturewise_requests_total", "counter", "Answered requests.")
        for (route, model, status), count in sorted(self._requests.items()):
            add(f'picturewise_requests_total{{route="{route}",model="{model}",status="{status}"}} {count}')
        head("picturewise_request_seconds", "histogram", "Time from a request's first line to its answer.")
        for route, times in sorted(self._seconds.items()):
            lines += times.lines("picturewise_request_seconds", f'route="{route}"')
        head("picturewise_pictures_total", "counter", "Pictures, by what became of them.")
        for (model, outcome), count in sorted(self._pictures.items()):
            add(f'picturewise_pictures_total{{model="{model}",outcome="{outcome}"}} {count}')
        head("picturewise_batch_pictures", "histogram", "Pictures that were computed together.")
        for model, sizes in sorted(self._batches.items()):
            lines += sizes.lines("picturewise_batch_pictures", f'model="{model}"')
        head("picturewise_reloads_total", "counter", "Models that were loaded again.")
        for outcome, count in self._reloads.items():
            add(f'picturewise_reloads_total{{outcome="{outcome}"}} {count}')
        for name, (what, value) in gauges.items():
            head(name, "gauge", what)
            add(f"{name} {value}")
        head("process_cpu_seconds_total", "counter", "Processor time of the service, without its children.")
        add(f"process_cpu_seconds_total {time.process_time():.3f}")
        return "\n".join(lines) + "\n"
