"""How long OpenMP's threads wait awake for each other, which is read when torch is loaded.

By default they burn milliseconds at every barrier: beside one other busy process a training step takes eight times as
long. Asleep at once, two threads are hardly faster than one. What is between them was measured (benchmarks/README.md).
"""

import os

__all__ = ["OPENMP", "wait_briefly"]

OPENMP = {"GOMP_SPINCOUNT": "2000"}


def wait_briefly() -> None:
    """Have this process's threads soon sleep where they wait; whoever has set the variable has it so."""
    for name, value in OPENMP.items():
        os.environ.setdefault(name, value)
