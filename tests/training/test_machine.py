from __future__ import annotations

import ctypes
import platform

import pytest
import torch

from picturewise import cores
from picturewise.cores import available_cores, processor
from picturewise.errors import UsageError
from picturewise.training.machine import Machine, choose_machine, prepared

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("no_gpu")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(
        UsageError, match=r"training\.device is 'cuda', but PyTorch cannot find a GPU\. Use 'auto"
    ):
        choose_machine("cuda", "auto")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_without_a_gpu_the_processor_computes(device: str) -> None:
    found = choose_machine(device, "float32")
    assert found == Machine(torch.device("cpu"), "float32", available_cores())


def test_a_gpu_is_left_alone_when_the_processor_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_machine("cpu", "bfloat16").device.type == "cpu"
    assert choose_machine("auto", "bfloat16").device.type == "cuda"


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("fpu avx2", "float32"),
        ("fpu avx512_bf16 sse", "bfloat16"),
        ("amx_bf16 amx_tile", "bfloat16"),
        ("", "float32"),
    ],
)
def test_narrow_numbers_are_chosen_where_the_processor_is_fast_with_them(
    monkeypatch: pytest.MonkeyPatch, flags: str, precision: str
) -> None:
    monkeypatch.setattr(cores, "cpu_info", {"flags": flags}.__getitem__)
    assert choose_machine("auto", "auto").precision == precision
    assert choose_machine("auto", "float32").precision == "float32"
    assert choose_machine("auto", "bfloat16").precision == "bfloat16"


@pytest.mark.parametrize(("precision", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_products_are_computed_in_the_precision_of_the_machine(precision: str, dtype: torch.dtype) -> None:
    with choose_machine("cpu", "bfloat16" if precision == "bfloat16" else "float32").computing():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_threads_are_those_of_the_machine_in_the_block_only() -> None:
    before = torch.get_num_threads()
    machine = Machine(torch.device("cpu"), "float32", before + 1)
    with prepared(machine):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
    with pytest.raises(KeyError), prepared(machine):
        raise KeyError
    assert torch.get_num_threads() == before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has these thresholds")
@pytest.mark.parametrize("most", [1 << 40, 1 << 25])
def test_large_blocks_are_kept_whatever_threshold_glibc_takes(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    taken = dict[int, int]()

    class Libc:
        def __init__(self, _: None) -> None: ...

        def mallopt(self, parameter: int, value: int) -> int:
            if parameter == M_MMAP_THRESHOLD and value > most:
                return 0
            taken[parameter] = value
            return 1

    monkeypatch.setattr(ctypes, "CDLL", Libc)
    with prepared(Machine(torch.device("cpu"), "float32", torch.get_num_threads())):
        assert taken == {M_MMAP_THRESHOLD: min(most, 1 << 30), M_TRIM_THRESHOLD: 1 << 30}


def test_the_processor_has_a_name() -> None:
    assert processor().strip()
    assert "\n" not in processor()
