"""What a container's memory limit leaves, which the machine's own figures do not tell (Linux's control groups)."""

import math
from pathlib import Path

__all__ = ["left_by_limit"]

_GROUPS = Path("/sys/fs/cgroup")
_FILES = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
)
"""Limit, use, statistics and what of the use is given back when it is needed: in the second and the first version."""


def left_by_limit(groups: Path = _GROUPS) -> float:
    """Return how many bytes the control group whose files lie in ``groups`` may still take; infinite without a limit.

    In a container these are the container's own; outside they are those of the whole machine, which has no limit.
    """
    for limit, used, statistics, cached in _FILES:
        try:
            most = (groups / limit).read_text().strip()
            lines = (groups / statistics).read_text().splitlines()
            if most == "max":
                return math.inf
            given_back = next(int(line.split()[1]) for line in lines if line.startswith(f"{cached} "))
            return max(0, int(most) - int((groups / used).read_text()) + given_back)
        except (OSError, ValueError, StopIteration):
            continue
    return math.inf
