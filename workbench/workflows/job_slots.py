"""Which jobs take a device for themselves, and the devices that there are: one job at a time has each of them."""

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from workbench.settings import Settings

__all__ = ["TAKES_A_DEVICE", "device_environment", "devices", "free_devices"]

TAKES_A_DEVICE: Mapping[str, str] = {
    "tune": "it trains, which fills the device's memory and keeps all of its cores busy for hours",
    "tune-preflight": "it measures memory and time of a step, which another run on the device would falsify",
    "evaluate": "it generates with the whole model on every held-out still, beside which no run fits into a GPU",
}
"""Kinds of jobs that wait until a device is free, with why. All others start at once: a person waits for their answer,
and they decode, ask a server or look at few stills."""

_CPU = "cpu"
_SEPARATOR, _TOGETHER = ",", "+"
_ANSWER_LIMIT_S = 20.0


def devices(settings: Settings) -> list[str]:
    """Return the devices of this machine, one for each job that may run at a time."""
    named = [name.strip() for name in settings.devices.split(_SEPARATOR) if name.strip()]
    return named or _found() or [_CPU]


def free_devices(settings: Settings, taken: Sequence[str]) -> list[str]:
    """Return those of :func:`devices` that no job has ``taken``."""
    free = devices(settings)
    for name in taken:
        with suppress(ValueError):
            free.remove(name)
    return free


def device_environment(settings: Settings, device: str) -> dict[str, str]:
    """Return what makes a job see ``device`` alone, and the jobs that it starts in its turn all of them."""
    seen = "" if device == _CPU else device.replace(_TOGETHER, _SEPARATOR)
    return {"CUDA_VISIBLE_DEVICES": seen, "WORKBENCH_DEVICES": _SEPARATOR.join(devices(settings))}


def _found() -> list[str]:
    """Return the GPUs that this process may use; they are not asked through torch, which takes seconds to load."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return _numbers() if visible is None else [name.strip() for name in visible.split(_SEPARATOR) if name.strip()]


@functools.cache
def _numbers() -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_LIMIT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return asked.stdout.split()
