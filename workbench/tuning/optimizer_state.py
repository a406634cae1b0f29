"""An optimiser's state as named tensors and plain values, so that it can be kept without pickles."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch

__all__ = ["from_tensors", "to_tensors"]


def to_tensors(state: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Divide a ``state_dict()``: tensors by ``<number>.<name>`` (bitsandbytes nests names), and plain values."""
    leaves = dict(_leaves(state["state"], ""))
    tensors = {path: value for path, value in leaves.items() if isinstance(value, torch.Tensor)}
    plain = {path: value for path, value in leaves.items() if path not in tensors}
    return tensors, {"state": plain, "param_groups": state["param_groups"]}


def from_tensors(tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any]) -> dict[str, Any]:
    """Undo ``to_tensors``."""
    state: dict[Any, Any] = {}
    for path, value in {**tensors, **values["state"]}.items():
        number, *sections, name = path.split(".")
        inner = state.setdefault(int(number), {})
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[name] = value
    return {"state": state, "param_groups": values["param_groups"]}


def _leaves(content: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
