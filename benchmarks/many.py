"""Millions of pictures: `predict-many` beside a plain loop, its memory, and kills of workers and of the driver.

    python benchmarks/many.py make MNIST FOLDER --rows 1000000    MNIST's pictures as PNG, repeated, in one Parquet file
    python benchmarks/many.py speed RUN FOLDER                    pictures a second and memory, in turns with the loop
    python benchmarks/many.py kills RUN FOLDER --kills 50         kill -9 at random moments, half of them the driver

The plain loop is what one writes by hand: pyarrow, Pillow and ONNX Runtime in one process, with all cores for the
network. Memory is the sum over the process and all below it, looked at every 0.2 s: of what each has for itself and its
share of what several have in common (PSS), and of all that each has in memory (RSS). Linux only. Prints Markdown.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import io
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SHARD = "mnist.parquet"
GROUP = 10_000  # rows of a row group
PLAIN = """
import io, sys
import numpy as np, onnxruntime, pyarrow as pa, pyarrow.parquet as pq
from PIL import Image
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
schema = pa.schema([("row", pa.int64()), ("label", pa.int64()), ("probabilities", pa.list_(pa.float32()))])
writer, first = pq.ParquetWriter(sys.argv[3], schema), 0
for batch in pq.ParquetFile(sys.argv[2]).iter_batches(256, columns=["image"]):
    content = batch.column(0).field("bytes").to_pylist()
    pictures = np.stack([np.asarray(Image.open(io.BytesIO(one)).convert("L")) for one in content])[..., None]
    logits = session.run(None, {name: pictures})[0]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    rows = np.arange(first, first + len(shares))
    writer.write_table(pa.table([rows, shares.argmax(axis=1), pa.array(list(shares), pa.list_(pa.float32()))], schema))
    first += len(shares)
writer.close()
"""


class Measured(NamedTuple):
    """Wall and processor seconds of a process and all below it, and their largest memory in MB."""

    wall: float
    processor: float
    pss: float
    rss: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    tasks = parser.add_subparsers(dest="task", required=True)
    making = tasks.add_parser("make")
    making.add_argument("mnist", type=Path)
    making.add_argument("folder", type=Path)
    making.add_argument("--rows", type=int, default=1_000_000)
    for name in ("speed", "kills"):
        one = tasks.add_parser(name)
        one.add_argument("run", type=Path)
        one.add_argument("folder", type=Path)
        one.add_argument("--workers", type=int, default=None)
        one.add_argument("--part-rows", type=int, default=10_000)
    tasks.choices["speed"].add_argument("--rounds", type=int, default=1)
    tasks.choices["kills"].add_argument("--kills", type=int, default=50)
    tasks.choices["kills"].add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    {"make": make, "speed": speed, "kills": kills}[options.task](options)


def make(options: argparse.Namespace) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    options.folder.mkdir(parents=True, exist_ok=True)
    pictures, labels = [], []
    for prefix in ("train", "t10k"):
        images = _idx(options.mnist / f"{prefix}-images-idx3-ubyte.gz")
        for image in images:
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "PNG")
            pictures.append(buffer.getvalue())
        labels += _idx(options.mnist / f"{prefix}-labels-idx1-ubyte.gz").tolist()
    schema = pa.schema(
        [("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("label", pa.int64())]
    )
    with pq.ParquetWriter(options.folder / SHARD, schema) as writer:
        for start in range(0, options.rows, GROUP):
            rows = [row % len(pictures) for row in range(start, min(start + GROUP, options.rows))]
            images = [{"bytes": pictures[row], "path": None} for row in rows]
            writer.write_table(pa.table({"image": images, "label": [labels[row] for row in rows]}, schema))
    print(f"{options.rows:,} rows in {options.folder / SHARD}")


def _idx(path: Path) -> np.ndarray[Any, Any]:
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def speed(options: argparse.Namespace) -> None:
    model = options.folder / "plain.onnx"
    model.write_bytes(_onnx(options.run))
    rows = _rows(options.folder / SHARD)
    print(f"{rows:,} pictures, {len(os.sched_getaffinity(0))} cores\n")
    print("| | pictures/s | processor s for 1,000 pictures | PSS, MB | RSS, MB |\n|---|---|---|---|---|")
    for _ in range(options.rounds):
        places = [model, options.folder / SHARD, options.folder / "plain.parquet"]
        plain = [sys.executable, "-c", PLAIN, *map(str, places)]
        _tell("plain loop", measured(plain), rows)
        shutil.rmtree(options.folder / "out", ignore_errors=True)
        _tell("predict-many", measured(_command(options, "out")), rows)
    _compare(options.folder)


def _onnx(run: Path) -> bytes:
    from picturewise.tasks.predict import classifier_of

    engine = classifier_of(run)._engine  # noqa: SLF001 (the network alone, as one would export it by hand)
    return engine._model()  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001 (the same)


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _command(options: argparse.Namespace, out: str) -> list[str]:
    workers = [] if options.workers is None else ["--workers", str(options.workers)]
    return [
        sys.executable, "-m", "picturewise", "predict-many", str(options.run), str(options.folder / SHARD),
        "--out", str(options.folder / out), "--part-rows", str(options.part_rows), *workers,
    ]  # fmt: skip


def _tell(name: str, found: Measured, rows: int) -> None:
    cells = [
        f"{rows / found.wall:,.0f}",
        f"{1000 * found.processor / rows:.3f}",
        f"{found.pss:,.0f}",
        f"{found.rss:,.0f}",
    ]
    print(f"| {name} | {' | '.join(cells)} |", flush=True)


def measured(command: list[str]) -> Measured:
    """Run a command to its end, and return what it cost; children that ended are in the processor time."""
    began = time.monotonic()
    # Of each process, because the kernel's sum lacks those that nobody waits for.
    seconds = dict[int, float]()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    pss = rss = 0.0
    while process.poll() is None:
        pids = below(process.pid)
        seconds |= {pid: spent for pid in pids if (spent := _processor(pid)) is not None}
        found = [_memory(pid) for pid in pids]
        pss, rss = max(pss, sum(one for one, _ in found)), max(rss, sum(one for _, one in found))
        time.sleep(0.2)
    wall = time.monotonic() - began
    assert process.returncode == 0, process.returncode
    return Measured(wall, sum(seconds.values()), pss / 1024, rss / 1024)


def below(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += below(int(child))
    return found


def _processor(pid: int) -> float | None:
    """Return the processor seconds of a process itself; None: it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> tuple[int, int]:
    """Return PSS and RSS in kB."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0, 0
    values = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    return values["Pss"], values["Rss"]


def _compare(folder: Path) -> None:
    """Print how the predictions differ from those of the plain loop, and whether each row is there once."""
    import pyarrow.parquet as pq

    plain = pq.read_table(folder / "plain.parquet")
    labels, shares = plain["label"].to_numpy(), np.array(plain["probabilities"].combine_chunks().flatten())
    differ, largest, at = 0, 0.0, 0
    for part in sorted((folder / "out").glob("part-*.parquet")):
        table = pq.read_table(part)
        rows = table["row"].to_numpy()
        assert np.array_equal(rows, np.arange(at, at + len(rows))), part
        at += len(rows)
        differ += int((np.array(table["label"].to_pylist(), np.int64) != labels[rows]).sum())
        own = np.array(table["probabilities"].combine_chunks().flatten())
        largest = max(largest, float(np.abs(own - shares[rows[0] * 10 : (rows[-1] + 1) * 10]).max()))
    assert at == len(labels)
    print(
        f"\nEach row once; {differ:,} other classes than the plain loop's, probabilities within {largest:.1g}."
    )


def kills(options: argparse.Namespace) -> None:
    chance = random.Random(options.seed)
    if not (options.folder / "out" / "plan.json").exists():
        subprocess.run(_command(options, "out"), check=True, stdout=subprocess.DEVNULL)
    expected = digests(options.folder / "out")
    shutil.rmtree(options.folder / "killed", ignore_errors=True)
    # A job that would be over before the last kill begins anew.
    counts = {"workers": 0, "drivers": 0, "jobs": 0, "wrong": 0}
    pause = max(0.5, 2.0 * _undisturbed(options) / max(1, options.kills))
    while counts["workers"] + counts["drivers"] < options.kills:
        with _driver(options) as driver:
            while driver.poll() is None and counts["workers"] + counts["drivers"] < options.kills:
                while driver.poll() is None and len(below(driver.pid)) == 1:  # it has no workers yet
                    time.sleep(0.05)
                time.sleep(chance.uniform(0, pause))
                children = below(driver.pid)[1:]
                if driver.poll() is not None or not children:
                    continue
                kind = chance.choice(("workers", "drivers"))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(driver.pid if kind == "drivers" else chance.choice(children), signal.SIGKILL)
                    counts[kind] += 1
                if kind == "drivers":
                    driver.wait()
            if counts["workers"] + counts["drivers"] == options.kills:
                driver.wait()
        if driver.returncode == 0:
            counts["jobs"] += 1
            counts["wrong"] += digests(options.folder / "killed") != expected
            shutil.rmtree(options.folder / "killed")
    subprocess.run(_command(options, "killed"), check=True, stdout=subprocess.DEVNULL)
    counts["jobs"] += 1
    counts["wrong"] += digests(options.folder / "killed") != expected
    print(
        f"{counts['workers']} processes and {counts['drivers']} drivers killed in {counts['jobs']} jobs of "
        f"{len(expected):,} parts: {counts['wrong']} jobs with other bytes than the undisturbed one."
    )
    sys.exit(counts["wrong"] > 0)


def _undisturbed(options: argparse.Namespace) -> float:
    """Return about how many seconds the undisturbed job took, from the times of its files."""
    times = sorted(path.stat().st_mtime for path in (options.folder / "out").glob("part-*"))
    return times[-1] - times[0]


@contextlib.contextmanager
def _driver(options: argparse.Namespace) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(_command(options, "killed"), stdout=subprocess.DEVNULL) as driver:
        yield driver


def digests(folder: Path) -> dict[str, str]:
    """Return the digest of each part."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("part-*")}


if __name__ == "__main__":
    main()
