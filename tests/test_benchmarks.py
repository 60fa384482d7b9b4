"""The benchmarks still run, and their tables say what they should; no figure in them counts."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy import stats

from picturewise import Dataset, ImageSet

ROOT = Path(__file__).parents[1]
CELL = re.compile(r"([\d,.]+) \(([\d,.]+)–([\d,.]+)\)")


def benchmark(*arguments: object, script: str = "speed.py") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def tables(text: str) -> dict[str, list[list[str]]]:
    """Return the rows of each table by the heading above it, the line below the head left out."""
    found: dict[str, list[list[str]]] = {"": []}
    heading = ""
    for line in text.splitlines():
        if line.startswith("### "):
            heading = line.removeprefix("### ")
            found[heading] = []
        elif line.startswith("| ") and not set(line) <= set("|-: "):
            found[heading].append([cell.strip() for cell in line.strip("|").split("|")])
    return found


@pytest.fixture
def _whole(whole_campaign: bool) -> None:
    if not whole_campaign:
        pytest.skip("a minute of measuring; make campaign has it")


def number(cell: str) -> float:
    """Return the median of a cell, after a check that it lies between the lowest and the highest."""
    match = CELL.fullmatch(cell)
    assert match is not None, cell
    median, lowest, highest = (float(part.replace(",", "")) for part in match.groups())
    assert 0 < lowest <= median <= highest
    return median


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.usefixtures("_whole")
def test_two_workloads_run_and_their_tables_hold_together(tmp_path: Path) -> None:
    file = tmp_path / "tables.md"
    chosen = [
        "--workloads",
        "train-dense",
        "predict-dense",
        "--contenders",
        "picturewise",
        "torch",
        "sklearn",
    ]
    done = benchmark("--smoke", *chosen, "--markdown", file)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == file.read_text(encoding="utf-8").strip()
    found = tables(done.stdout)
    assert [*found] == ["", "train-dense", "predict-dense", "The machine"]

    titles = ["Picturewise", "PyTorch, as in tutorials", "scikit-learn, MLPClassifier"]
    head, *rows = found[""]
    assert head == ["CPU time relative to that of Picturewise", "train-dense", "predict-dense"]
    assert [row[0] for row in rows] == titles[1:]
    _, *peaks = found["The machine"]
    assert {row[0].partition(",")[0] for row in peaks} >= {"float32"}
    peak = max(number(cell) for row in peaks for cell in row[1:])
    multiplications = 785 * 512 + 513 * 512 + 513 * 10
    for column, name, directions in ((1, "train-dense", 3), (2, "predict-dense", 1)):
        _, *measured = found[name]
        assert [row[0] for row in measured] == titles
        speeds, costs = ([number(row[place]) for row in measured] for place in (3, 4))
        rounding = 0.01 + 1 / min(speeds) + 0.0005 / min(costs)  # they are written with few digits
        for speed, cost, (_, ratio, cpu_ratio, _, _, share) in zip(speeds, costs, measured, strict=True):
            assert number(ratio) == pytest.approx(speeds[0] / speed, rel=rounding, abs=0.01)
            assert number(cpu_ratio) == pytest.approx(cost / costs[0], rel=2 * rounding, abs=0.01)
            counted = 2 * directions * multiplications / 1e9 * 1000 / cost
            assert int(share.removesuffix(" %")) == pytest.approx(
                100 * counted / peak, rel=2 * rounding, abs=1
            )
        assert [row[column] for row in rows] == [row[2].split()[0] for row in measured[1:]]


@pytest.mark.slow
def test_starting_is_measured_for_each_command() -> None:
    done = benchmark("--rounds", 1, script="starting.py")
    assert done.returncode == 0, done.stderr
    (rows,) = tables(done.stdout).values()
    commands = [row[0] for row in rows[1:]]
    assert commands[0] == "`python -c pass`"
    assert commands[-1] == "`picturewise predict RUN one.png`"
    assert all(number(cell) for row in rows[1:] for cell in row[1:])
    assert "`picturewise --help` loads: none" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends it at once")
def test_a_contender_ends_with_its_parent(tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        f"import sys, time; sys.path.append({str(ROOT / 'benchmarks' / 'contenders')!r})\n"
        "from stopwatch import end_with_parent\n"
        "end_with_parent(); print('ready', flush=True); time.sleep(60)\n"
    )
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, {str(child)!r}], stdout=subprocess.PIPE, text=True)\n"
        "child.stdout.readline(); print(child.pid, flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, str(parent)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        process.kill()
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("it goes on without its parent")


def test_what_cannot_be_measured_is_reported_before_anything_runs() -> None:
    for arguments, sentence in (
        (["--contenders", "keras-jax"], "name its interpreter with --peers-python"),
        (["--workloads", "train-densely"], "'train-densely' is none of train-dense, train-batchnorm"),
        (["--contenders", "sklearn", "--workloads", "train-cnn"], "none of the workloads is one for sklearn"),
        (["--rounds", "0"], "--rounds is 0; expected at least 1"),
    ):
        done = benchmark(*arguments)
        assert done.returncode == 2
        assert sentence in done.stderr
        assert done.stdout == ""


@pytest.fixture
def airbench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from racing import airbench

    return airbench


def test_work_that_is_shorter_than_a_turn_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from racing.races import Racer

    script = tmp_path / "short.py"
    script.write_text(
        f"import sys, time; sys.path.append({str(ROOT / 'benchmarks' / 'contenders')!r})\n"
        "from stopwatch import take_turns\n"
        "take_turns(lambda: time.sleep(0.05), 7, {'it': '1'})\n"
    )
    with Racer("Short", [sys.executable, str(script)], dict(os.environ)) as racer:
        racer.warm_up()
        once, often = racer.turn(0), racer.turn(0.2)
    assert once.images == 7
    assert once.seconds >= 0.05
    assert 14 <= often.images <= 4 * 7
    assert often.seconds >= 0.2
    assert often.speed == often.images / often.seconds


def test_a_contender_computes_nothing_while_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from racing.races import Racer

    script, done = tmp_path / "training.py", tmp_path / "batches"
    script.write_text(
        f"import sys; sys.path.append({str(ROOT / 'benchmarks' / 'contenders')!r})\n"
        "from stopwatch import Stopwatch\n"
        "stopwatch = Stopwatch(10, {'it': '1'})\n"
        "while True:\n"
        "    for batch in range(1, 4):\n"
        f"        with open({str(done)!r}, 'a') as file: file.write('x')\n"
        "        stopwatch.batch_done(batch, 3)\n"
    )
    with Racer("Training", [sys.executable, str(script)], dict(os.environ)) as racer:
        racer.warm_up()
        for epochs in (1, 2, 3):
            time.sleep(0.3)  # in which it could do what it must not
            assert len(done.read_text()) == epochs * 3
            assert racer.turn(0).images == 20


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import gpu

    return gpu


@pytest.mark.campaign
@pytest.mark.slow
@pytest.mark.usefixtures("_whole")
def test_the_benchmark_of_a_gpu_trains_twice_on_the_processor_and_counts_the_second(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "gpu.md"
    arguments = ["--smoke", "--label", "Only to see", "--markdown", file]
    done = benchmark(*arguments, script="gpu.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout == file.read_text(encoding="utf-8")
    assert re.findall(r"^seed (\d+) …$", done.stderr, re.MULTILINE) == ["1", "0"]
    head, ours, _, run = tables(done.stdout)["Only to see"]
    assert len(head) == len(ours) == 6
    assert ours[:2] == ["Picturewise", "1"]
    assert ours[2] == run[1]
    assert re.fullmatch(r"\d+\.\d\d %", run[1])
    assert (number(ours[3]), number(ours[4])) == (float(run[3]), float(run[4].replace(",", "")))
    assert re.fullmatch(r"\d+ %", ours[5])
    assert run[0] == "0"
    assert float(run[2]) >= 0
    assert "`picturewise train digits --model 'mlp 8' --epochs 2" in done.stdout
    assert f"torch {torch.__version__}" in done.stdout


def test_without_a_gpu_nothing_is_measured_and_one_sentence_says_so(
    gpu: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "digits", "--", "--epochs", "1"])
    with pytest.raises(SystemExit) as caught:
        gpu.main()
    sentence = "gpu.py: PyTorch finds no GPU here, so nothing is measured; --smoke needs none.\n"
    assert (caught.value.code, *capsys.readouterr()) == (2, "", sentence)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--runs", "1"], "--runs is 1; expected at least 2"),
        (["--", "--epochs", "1", "--seed=3"], "--seed is no option to measure with"),
        (["--airbench", "nowhere"], "nowhere/airbench94_muon.py is no file"),
        (["--airbench", ".", "--script", "a.py"], "a.py imports torchvision, which is not installed"),
    ],
)
def test_what_cannot_be_measured_on_a_gpu_is_reported_before_anything_runs(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    gpu: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").touch()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "digits", *arguments])
    with pytest.raises(SystemExit) as caught:
        gpu.parsed_arguments()
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


def test_pictures_of_another_size_are_refused_for_airbench(
    tmp_path: Path, gpu: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.py").touch()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(sys, "argv", ["gpu.py", "digits", "--airbench", str(tmp_path), "--script", "a.py"])
    with pytest.raises(SystemExit):
        gpu.parsed_arguments()
    assert "the pictures of digits are (8, 8, 1); a.py takes (32, 32, 3)" in capsys.readouterr().err


def test_the_interval_of_a_mean_is_that_of_scipy(gpu: ModuleType) -> None:
    values = [94.1, 93.7, 94.4, 94.0, 93.9]
    found = gpu.mean_interval(values, lowest=0.0, highest=100.0)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.value, found.low, found.high) == pytest.approx(
        (np.mean(values), expected.low, expected.high), rel=1e-12
    )


def test_both_sides_are_in_one_table_with_their_n(gpu: ModuleType, airbench: ModuleType) -> None:
    ours = [gpu.Trained(seed, 0.94 + seed / 1000, 0.5, 3.0 + seed, 200_000 + seed, 0.25) for seed in range(3)]
    theirs = [airbench.Finished(0.94, 2.5), airbench.Finished(0.942, 2.7)]
    asked = argparse.Namespace(label="94 %", data="cifar10", script="airbench94_muon.py", smoke=True)
    found = tables(gpu.document(asked, ["--preset", "best"], 8e14, 0.1, 1e-4, ours, theirs))["94 %"]
    assert found[1] == [
        "Picturewise", "3", "94.10 % (93.85–94.35)", "4.00 (3.00–5.00)", "200,001 (200,000–200,002)", "25 %",
    ]  # fmt: skip
    assert found[2] == [
        "airbench94_muon.py", "2", "94.10 % (92.83–95.37)", "2.60 (2.50–2.70)", "", "",
    ]  # fmt: skip
    assert [row[0] for row in found[4:]] == ["0", "1", "2"]


TABLE = """
---------------------------------------------------------------------------------
|  run     |  epoch  |  train_acc  |  val_acc  |  tta_val_acc  |  time_seconds  |
---------------------------------------------------------------------------------
|  warmup  |      0  |     0.1100  |   0.1000  |               |        1.5000  |
|          |   eval  |     0.1100  |   0.1000  |       0.1001  |        1.7500  |
---------------------------------------------------------------------------------
|       0  |      0  |     0.6000  |   0.6500  |               |        0.3000  |
|          |      1  |     0.9000  |   0.9200  |               |        2.4000  |
|          |   eval  |     0.9000  |   0.9200  |       0.9402  |        2.5000  |
---------------------------------------------------------------------------------
|       1  |      0  |     0.6000  |   0.6500  |               |        0.3000  |
|          |   eval  |     0.9000  |   0.9200  |       0.9398  |        2.6000  |
---------------------------------------------------------------------------------
"""
OTHER_TABLE = """
|  run     |  epoch  |  train_loss  |  train_acc  |  val_acc  |  tta_val_acc  |  total_time_seconds  |
Main model parameters: 7
Training small proxy...
|       0  |      0  |      1.2000  |     0.6000  |   0.6500  |               |             20.0000  |
|          |   eval  |      1.2000  |     0.6000  |   0.6500  |       0.9601  |             27.5000  |
Mean: 0.9601    Std: nan
"""


def test_the_last_row_of_each_training_is_read_from_a_table(airbench: ModuleType) -> None:
    found = list(airbench.finished(TABLE.splitlines(keepends=True)))
    assert [(one.accuracy, one.seconds) for one in found] == [(0.1001, 1.75), (0.9402, 2.5), (0.9398, 2.6)]
    (one,) = airbench.finished(OTHER_TABLE.splitlines())
    assert (one.accuracy, one.seconds) == (0.9601, 27.5)


def test_pictures_are_written_as_its_loader_reads_them(tmp_path: Path, airbench: ModuleType) -> None:
    random = np.random.default_rng(0)
    parts = {}
    for name, count in (("train", 5), ("valid", 3), ("test", 2)):
        images = random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        parts[name] = ImageSet(images, random.integers(0, 2, count), ("cat", "dog"), name)
    whole = Dataset("pets", **parts)
    airbench.write_pictures(
        Dataset("pets", **{**parts, "train": parts["train"].select(np.arange(5))}), tmp_path
    )
    for name, expected in (("train", [whole.train, whole.valid]), ("test", [whole.test])):
        content = torch.load(tmp_path / "cifar10" / f"{name}.pt", weights_only=True)
        assert content.keys() == {"images", "labels", "classes"}
        assert content["classes"] == ["cat", "dog"]
        images, labels = (
            np.concatenate([getattr(part, key) for part in expected]) for key in ("images", "labels")
        )
        np.testing.assert_array_equal(content["images"].numpy(), images, strict=True)
        np.testing.assert_array_equal(content["labels"].numpy(), labels, strict=True)


def script(folder: Path, *lines: str) -> Path:
    path = folder / "script.py"
    path.write_text("\n".join(["import os, time", *lines]))
    return path


def test_a_script_is_ended_when_enough_is_known(tmp_path: Path, airbench: ModuleType) -> None:
    (tmp_path / "place").mkdir()
    endless = script(
        tmp_path, "open('pid', 'w').write(str(os.getpid()))", f"print({TABLE!r})", "time.sleep(600)"
    )
    found = airbench.trainings(endless, tmp_path / "place", 2)
    assert [one.accuracy for one in found] == [0.9402, 0.9398]  # and not what it warmed up with
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "place" / "pid").read_text()), 0)


def test_a_script_that_ends_too_early_is_named_with_its_status(tmp_path: Path, airbench: ModuleType) -> None:
    failing = script(tmp_path, f"print({TABLE!r})", "raise SystemExit(3)")
    with pytest.raises(SystemExit, match=r"script\.py ended with status 3 after 3 trainings; expected 11\."):
        airbench.trainings(failing, tmp_path, 10)


def test_the_model_of_workers_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import workers_model as model

    part = {128: 0.1, 64: 0.06, 32: 0.03, 16: 0.02}
    found = model.Measured(part, optimizer=0.001, picture=1e-5, size=1_000_000)
    link = model.Link(latency=1e-4, bandwidth=1e9)
    others = 0.001 + 128e-5
    assert model.step_seconds(found, link, 1, exact=True) == (pytest.approx(0.16 + others), 128)
    assert model.step_seconds(found, link, 1, exact=False) == (pytest.approx(0.1 + others), 128)
    assert model.step_seconds(found, link, 2, exact=True) == (pytest.approx(0.08 + others + 0.0022), 128)
    assert model.step_seconds(found, link, 2, exact=False) == (pytest.approx(0.06 + others + 0.0022), 128)
    large = 0.02 + 0.001 + 1024e-5 + 12 * 0.0011
    assert model.step_seconds(found, link, 64, exact=True) == (pytest.approx(large), 1024)
    free = found._replace(part={16: 0.02, 128: 0.16}, optimizer=0, picture=0)
    wide = model.Link(0, np.inf)
    assert {model.cell(free, wide, workers, exact=True)[-6:] for workers in (1, 2, 8, 64)} == {"(100%)"}
