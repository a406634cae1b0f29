"""What the leak check found and what was done about it, for people: pairs of frames with where and when they are."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

import numpy as np
from pydantic import TypeAdapter

from workbench.datasets.leaks import LeakKind, LeakPair, Nearness
from workbench.datasets.looks import Looks
from workbench.datasets.manifest import ManifestRow

__all__ = ["LEAKS_FILE", "Leak", "LeakOutcome", "LeakReport", "SeenFrame", "evenly_chosen", "leaks_of"]

LEAKS_FILE = "leaks.json"
_MOST_TOLD = 200

_Item = TypeVar("_Item")


class LeakOutcome(StrEnum):
    """What became of the version: nothing leaked, frames were left out, a person allowed it, or it was not built."""

    NONE = "no leaks"
    LEFT_OUT = "left out"
    ALLOWED = "allowed"
    REFUSED = "refused"


@dataclass(frozen=True)
class SeenFrame:
    """``part`` is a split's name, or ``golden``."""

    frame_id: str
    camera: str
    clip_name: str
    taken_at: datetime
    class_name: str
    part: str


@dataclass(frozen=True)
class Leak:
    """``hash_bits`` and ``distance`` (cosine) tell how near the pictures are; None where one of them is gone."""

    held_out: SeenFrame
    other: SeenFrame
    kind: LeakKind
    apart_s: float
    hash_bits: int | None
    distance: float | None


@dataclass(frozen=True)
class LeakReport:
    """``pictures`` were compared; ``held_out_frames`` resembled ``other_frames`` of earlier splits.

    ``leaks`` and ``near_golden`` (frames left out because of the golden sets) tell the nearest pair of each held-out
    frame, of some hundred frames. ``nearness`` by camera is no leak: how many test frames look like a training frame.
    """

    outcome: LeakOutcome
    pictures: int
    held_out_frames: int = 0
    other_frames: int = 0
    leaks: tuple[Leak, ...] = ()
    near_golden_frames: int = 0
    near_golden: tuple[Leak, ...] = ()
    nearness: Mapping[str, Nearness] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return _REPORT.dump_json(self, indent=1).decode()

    @classmethod
    def from_text(cls, text: str) -> "LeakReport":
        return _REPORT.validate_json(text)


_REPORT = TypeAdapter(LeakReport)


def leaks_of(
    pairs: Iterable[LeakPair], rows: Sequence[ManifestRow], parts: Sequence[str], looks: Looks
) -> tuple[Leak, ...]:
    """Return the nearest pair of each held-out frame; ``rows``, ``parts`` and ``looks`` have one entry a frame."""
    nearest: dict[int, Leak] = {}
    for held_out, other, kind in pairs:
        leak = _leak(held_out, other, kind, rows, parts, looks)
        if held_out not in nearest or _distance(leak) < _distance(nearest[held_out]):
            nearest[held_out] = leak
    told = sorted(nearest.values(), key=lambda leak: (leak.held_out.camera, leak.held_out.taken_at))
    return tuple(evenly_chosen(told, _MOST_TOLD))


def evenly_chosen(items: Sequence[_Item], most: int) -> list[_Item]:
    """Return ``most`` of ``items``, evenly spread, or all where there are fewer."""
    count = min(len(items), most)
    return [items[place * len(items) // count] for place in range(count)]


def _leak(
    held_out: int, other: int, kind: LeakKind, rows: Sequence[ManifestRow], parts: Sequence[str], looks: Looks
) -> Leak:
    bits = distance = None
    if looks.known[held_out] and looks.known[other]:
        bits = int(np.bitwise_count(looks.hashes[held_out] ^ looks.hashes[other]).sum())
        distance = round(max(0.0, float(1 - looks.embeddings[held_out] @ looks.embeddings[other])), 5)
    apart_s = abs((rows[held_out].taken_at - rows[other].taken_at).total_seconds())
    seen, resembled = (_seen(rows[place], parts[place]) for place in (held_out, other))
    return Leak(seen, resembled, kind, apart_s, bits, distance)


def _distance(leak: Leak) -> tuple[float, float]:
    return (leak.hash_bits if leak.hash_bits is not None else 0, leak.apart_s)


def _seen(row: ManifestRow, part: str) -> SeenFrame:
    return SeenFrame(row.frame_id, row.camera, row.clip_name, row.taken_at, row.class_name, part)
