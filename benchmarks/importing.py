"""What importing pictures costs: time, memory, and what a second start still waits for.

    python benchmarks/importing.py pictures FOLDER            class folders of picture files
    python benchmarks/importing.py decoders FOLDER            with and without the extra fast, and a DataLoader
    python benchmarks/importing.py large --gigabytes 1 8      synthetic sets, the last larger than the limit

Every figure comes from a fresh process with a store of its own. Anonymous memory is the sum of RssAnon over the
process and its children, looked at every 20 ms; pages of mapped files are not in it, for the system takes them
back when it needs them. Prints Markdown. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

READ = """
import sys
from picturewise import read_dataset
dataset = read_dataset(sys.argv[1])
print({name: len(part) for name, part in dataset.splits().items()})
"""
WITHOUT = "from picturewise.data.pictures import quick_jpeg\nquick_jpeg.is_installed = lambda: False\n"
DATA_LOADER = """
import sys
from pathlib import Path
import numpy as np
import torch
from PIL import Image
torch.set_num_threads(1)
class Files(torch.utils.data.Dataset):
    def __init__(self, paths):
        self.paths = paths
        self.classes = sorted({path.parent.name for path in paths})
    def __len__(self):
        return len(self.paths)
    def __getitem__(self, index):
        path = self.paths[index]
        with Image.open(path) as image:
            pixels = torch.from_numpy(np.array(image.convert("RGB")))
        return pixels, self.classes.index(path.parent.name)
files = Files(sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file()))
print(sum(len(labels) for _, labels in torch.utils.data.DataLoader(files, batch_size=256, num_workers=2)))
"""
SECOND_START = """
import sys, time
import torch
before = time.perf_counter()
import numpy as np
from picturewise import read_dataset
dataset = read_dataset(sys.argv[1], splits=("train", "valid"))
batch = dataset.train.images[np.random.default_rng(0).permutation(len(dataset.train))[:128]]
print(time.perf_counter() - before)
"""
FIRST_STEP = """
import sys, time
began = time.perf_counter()
import torch
torch_seconds = time.perf_counter() - began
from picturewise import Callback, train
class Stop(Exception): pass
class First(Callback):
    def on_batch(self, trainer):
        print(time.perf_counter() - began - torch_seconds)
        raise Stop
try:
    train(sys.argv[1], callbacks=[First()], out=sys.argv[2], progress=False)
except Stop:
    pass
"""
SIDE, CHANNELS = 64, 3
TRAINING = ("--layers", "flatten; dense 16 relu", "--epochs", "1", "--set", "training.batch_size=256")


@dataclass(frozen=True)
class Finished:
    """One finished process: output, wall and processor seconds, the children's too, and peak anonymous MB."""

    output: str
    wall: float
    processor: float
    megabytes: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    pictures_command = commands.add_parser("pictures")
    pictures_command.add_argument("folder", type=Path)
    pictures_command.add_argument("--rounds", type=int, default=5)
    pictures_command.set_defaults(run=pictures)
    decoders_command = commands.add_parser("decoders")
    decoders_command.add_argument("folder", type=Path)
    decoders_command.add_argument("--rounds", type=int, default=5)
    decoders_command.set_defaults(run=decoders)
    large_command = commands.add_parser("large")
    large_command.add_argument("--gigabytes", type=float, nargs="+", default=[1, 8])
    large_command.add_argument("--place", type=Path, default=Path(tempfile.gettempdir()))
    large_command.set_defaults(run=large)
    arguments = parser.parse_args()

    from picturewise.cores import available_cores

    machine = platform.processor() or platform.machine()
    print(f"{machine}, {available_cores()} cores, Python {platform.python_version()}")
    print(f"load before the start: {os.getloadavg()[0]:.1f}\n")
    arguments.run(arguments)


def decoders(arguments: argparse.Namespace) -> None:
    """Time reading all files of a folder once, in turns: an import with simplejpeg and without, and a DataLoader."""
    folder = arguments.folder.resolve()
    ways = {"with the extra fast": READ, "without": WITHOUT + READ, "DataLoader, two workers": DATA_LOADER}
    found: dict[str, list[Finished]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, program in ways.items():
            with tempfile.TemporaryDirectory() as home:
                found[name].append(measured(home, program, folder))
    print(f"{arguments.rounds} rounds\n")
    print("| | wall s | processor s | peak anonymous MB |\n|---|---|---|---|")
    for name, ended in found.items():
        cells = [
            spread([one.wall for one in ended]).replace(" | ", " (") + ")",
            spread([one.processor for one in ended]).replace(" | ", " (") + ")",
            spread([one.megabytes for one in ended], digits=0).replace(" | ", " (") + ")",
        ]
        print(f"| {name} | {' | '.join(cells)} |")


def pictures(arguments: argparse.Namespace) -> None:
    """Time importing a folder of picture files, and the starts after it."""
    folder = arguments.folder.resolve()
    files = sum(1 for path in folder.rglob("*") if path.is_file())
    first, second, step = [], [], []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as home:
            first.append(measured(home, READ, folder))
            second.append(float(measured(home, SECOND_START, folder).output))
            step.append(float(measured(home, FIRST_STEP, folder, Path(home) / "run").output))
    print(f"{files:,} files, {arguments.rounds} rounds\n")
    print("| | median | range |\n|---|---|---|")
    print(f"| import, wall s | {spread([one.wall for one in first])} |")
    print(f"| import, processor s | {spread([one.processor for one in first])} |")
    print(f"| import, peak anonymous MB | {spread([one.megabytes for one in first], digits=0)} |")
    print(f"| second start to the first batch, wall s, import of torch aside | {spread(second, digits=3)} |")
    print(f"| second `train` to the end of its first step, the same | {spread(step, digits=2)} |")


def large(arguments: argparse.Namespace) -> None:
    """Import and train on synthetic sets of growing size."""
    print(
        "| set | pictures | import s | import, peak anonymous MB | training s | training, peak anonymous MB |"
    )
    print("|---|---|---|---|---|---|")
    for gigabytes in arguments.gigabytes:
        with tempfile.TemporaryDirectory(dir=arguments.place) as place:
            folder = Path(place) / "large"
            count = write_set(folder, gigabytes)
            home, run = f"{place}/home", f"{place}/run"
            imported = measured(home, READ, folder)
            trained = measured(home, None, "train", folder, *TRAINING, "--out", run, "--json")
            assert json.loads(trained.output)["status"] == "finished"
            print(
                f"| {gigabytes:g} GB | {count:,} | {imported.wall:.0f} | {imported.megabytes:.0f} | {trained.wall:.0f} "
                f"| {trained.megabytes:.0f} |",
                flush=True,
            )


def write_set(folder: Path, gigabytes: float) -> int:
    """Write IDX files of noise, brighter from class to class; return the number of pictures."""
    folder.mkdir(parents=True)
    count = int(gigabytes * 1e9) // (SIDE * SIDE * CHANNELS)
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, count).astype(np.uint8)
    (folder / "train-labels-idx1-ubyte").write_bytes(
        bytes([0, 0, 8, 1]) + struct.pack(">I", count) + labels.tobytes()
    )
    with (folder / "train-images-idx4-ubyte").open("wb") as file:
        file.write(bytes([0, 0, 8, 4]) + struct.pack(">IIII", count, SIDE, SIDE, CHANNELS))
        for start in range(0, count, 4096):
            block = labels[start : start + 4096]
            noise = random.integers(0, 128, (len(block), SIDE, SIDE, CHANNELS), dtype=np.uint8)
            file.write((noise + (12 * block)[:, None, None, None]).tobytes())
    return count


def measured(home: str, program: str | None, *arguments: object) -> Finished:
    """Run a Python program, or the command where there is none, to its end."""
    start = ["-m", "picturewise"] if program is None else ["-c", program]
    began, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *start, *map(str, arguments)],
            stdout=output,
            env=os.environ | {"PICTUREWISE_HOME": home},
        )
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, anonymous(process.pid))
            time.sleep(0.02)
        if status != 0:
            raise SystemExit(f"{arguments} ended with status {status}")
        output.seek(0)
        text = output.read().decode()
    wall = time.perf_counter() - began
    return Finished(text, wall, usage.ru_utime + usage.ru_stime, peak / 1e6)


def anonymous(pid: int, parent: bytes | None = None) -> int:
    """Return the bytes of anonymous memory that a process and its children have.

    A child that was just made shares its parent's memory until it begins its own program, so it counts from then on.
    """
    total = 0
    try:
        program = Path(f"/proc/{pid}/cmdline").read_bytes()
        if program == parent:
            return 0
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("RssAnon:"):
                total += int(line.split()[1]) << 10
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(
                anonymous(int(child), program)
                for child in (task / "children").read_text(encoding="ascii").split()
            )
    except OSError:  # it has just ended
        pass
    return total


def spread(values: list[float], digits: int = 1) -> str:
    """Return median and range as two cells."""
    return f"{statistics.median(values):.{digits}f} | {min(values):.{digits}f}–{max(values):.{digits}f}"


if __name__ == "__main__":
    main()
