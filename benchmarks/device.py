"""What a device can do and what is in use on it: the fastest product, and the peak of memory."""

import gc
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

import torch

MIB = 2**20


def peak_flops() -> float:
    """Return how many FLOPs a second the device reaches in a large product in bfloat16."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = 8192 if device == "cuda" else 2048
    matrix = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    best = math.inf
    for _ in range(10):
        started = time.perf_counter()
        product = matrix @ matrix
        float(product[0, 0])  # waits for it
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


@contextmanager
def peak_memory(tensors: bool) -> Iterator[list[float]]:
    """Yield a list that after the block holds its peak in MiB: of the GPU, of the tensors, or of the process."""
    found: list[float] = []
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        yield found
        found.append(torch.cuda.max_memory_allocated() / MIB)
    elif tensors:
        before = tensor_bytes()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
            yield found
        events = [one for one in profile.profiler.kineto_results.events() if one.name() == "[memory]"]
        events.sort(key=lambda one: one.start_ns())
        found.append((before + max(accumulate(one.nbytes() for one in events))) / MIB)
    else:
        Path("/proc/self/clear_refs").write_text("5")
        yield found
        status = Path("/proc/self/status").read_text()
        found.append(next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")))


def tensor_bytes() -> int:
    """Return what all tensors of this process hold together, each memory counted once."""
    gc.collect()  # what is freed later would be taken off
    held = [one.untyped_storage() for one in gc.get_objects() if isinstance(one, torch.Tensor)]
    return sum({storage.data_ptr(): storage.nbytes() for storage in held}.values())
