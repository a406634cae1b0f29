"""Checkpoints of a run: whole or absent, proved file by file before a run goes on from one.

A checkpoint is a folder ``step-00000070`` that was written beside its place, synced and renamed, with a manifest of the
SHA-256 of every file. No file is a pickle: tensors are safetensors, the rest is JSON.
"""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from workbench.errors import ModelError, StorageError
from workbench.tuning.adapter_files import verify_adapter, write_manifest

__all__ = ["Checkpoint", "load_newest", "save_checkpoint"]

_PREFIX = "step-"


@dataclass(frozen=True)
class Checkpoint:
    """A run after ``step`` steps: named groups of tensors (``weights``, ``optimizer`` …) and of plain values."""

    step: int
    tensors: Mapping[str, Mapping[str, torch.Tensor]]
    values: Mapping[str, Any]


def save_checkpoint(directory: Path, checkpoint: Checkpoint, *, keep: int) -> Path:
    """Write the checkpoint into ``directory`` and remove all but the newest ``keep``.

    StorageError when the disk refuses; older checkpoints are then untouched and nothing half-written stays.
    """
    target = directory / _name_of(checkpoint.step)
    building: Path | None = None
    try:
        directory.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".building-", dir=directory))
        for name, tensors in checkpoint.tensors.items():
            (building / f"{name}.safetensors").write_bytes(save(_copied(tensors)))
        for name, value in {**checkpoint.values, "state": {"step": checkpoint.step}}.items():
            (building / f"{name}.json").write_text(json.dumps(value) + "\n", encoding="utf-8")
        write_manifest(building)
        shutil.rmtree(target, ignore_errors=True)
        building.rename(target)
    except OSError as exc:
        raise StorageError(
            expected=f"to write the checkpoint {target.name} to {directory}",
            found=exc.strerror or str(exc),
            remedy="free some space",
        ) from exc
    finally:
        if building is not None:
            shutil.rmtree(building, ignore_errors=True)
    for old in [folder for folder in _folders(directory) if folder <= target][keep:]:  # a newer one was passed over
        shutil.rmtree(old, ignore_errors=True)
    return target


def load_newest(
    directory: Path, require_fit: Callable[[Checkpoint], None] = lambda checkpoint: None
) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest checkpoint whose every file is as it was written, and why newer ones were passed over.

    So are those of which ``require_fit`` raises a KeyError for what is missing, or a ValueError.
    """
    passed_over: list[str] = []
    for unfinished in directory.glob(".building-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    for folder in _folders(directory):
        try:
            verify_adapter(folder)
            checkpoint = _read(folder)
            require_fit(checkpoint)
            return checkpoint, passed_over
        except (ModelError, OSError, ValueError, KeyError, TypeError, SafetensorError) as exc:
            reason = f"it lacks {exc}" if isinstance(exc, KeyError) else getattr(exc, "found", exc)
            passed_over.append(f"{folder.name} was passed over: {reason}")
    return None, passed_over


def _read(folder: Path) -> Checkpoint:
    tensors = {file.stem: _sorted(load(file.read_bytes())) for file in folder.glob("*.safetensors")}
    values = {file.stem: json.loads(file.read_text("utf-8")) for file in folder.glob("*.json")}
    step = int(values.pop("state")["step"])
    if folder.name != _name_of(step):
        raise ValueError(f"it is of step {step}")
    return Checkpoint(step, tensors, values)


def _name_of(step: int) -> str:
    return f"{_PREFIX}{step:08d}"


def _sorted(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Order what safetensors gives in another order in each process: workers that share a model gather it in turn."""
    return dict(sorted(tensors.items()))


def _folders(directory: Path) -> list[Path]:
    """Return the checkpoints of ``directory``, newest first."""
    return sorted((path for path in directory.glob(f"{_PREFIX}*") if path.is_dir()), reverse=True)


def _copied(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return copies: tensors that share memory, as bitsandbytes' tables do, are refused by safetensors."""
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
