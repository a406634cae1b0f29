"""What people are asked about next, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from workbench.errors import UsageError

__all__ = ["USUAL_WEIGHTS", "LookAgain", "QueueItem", "QueuePlan", "QueueRules", "Signal", "text_to_weights"]


class Signal(StrEnum):
    """What can make a still worth asking about."""

    UNCERTAINTY = "uncertainty"
    DISAGREEMENT = "disagreement"
    DIVERSITY = "diversity"
    DRIFT = "drift"
    SEARCH = "search"


USUAL_WEIGHTS: Mapping[Signal, float] = MappingProxyType(
    {
        Signal.UNCERTAINTY: 1.0,
        Signal.DISAGREEMENT: 1.0,
        Signal.DIVERSITY: 0.5,
        Signal.DRIFT: 1.0,
        Signal.SEARCH: 2.0,
    }
)
"""How much each signal counts beside the others; see ``benchmarks/active_learning.py``."""


_NAMED = tuple(signal for signal in Signal if signal is not Signal.SEARCH)


@dataclass(frozen=True)
class QueueRules:
    """What the next stills are chosen by: ``size`` of them, at most ``per_camera`` of one camera.

    Of all stills that nobody was asked about, the model looks at ``look_at``. ``search`` is a text that they should
    match; empty where none matters.
    """

    size: int = 50
    weights: Mapping[Signal, float] = field(default_factory=lambda: dict(USUAL_WEIGHTS))
    per_camera: int | None = None
    look_at: int = 500
    search: str = ""

    def __post_init__(self) -> None:
        _require_at_least_one("stills to ask about", self.size)
        _require_at_least_one("stills for the model to look at", self.look_at)
        if self.per_camera is not None:
            _require_at_least_one("stills of each camera", self.per_camera)
        weights = self.weights.values()
        if not any(weights) or not all(0 <= weight < float("inf") for weight in weights):
            raise UsageError(
                expected="signals with weights of 0 or more, one of them above 0",
                found=", ".join(f"{signal}={weight:g}" for signal, weight in self.weights.items()) or "none",
                remedy="name for example uncertainty,diversity",
            )

    @property
    def signals(self) -> frozenset[Signal]:
        """Those that count: the search among them only where there is a text."""
        named = {signal for signal, weight in self.weights.items() if weight > 0 and signal is not Signal.SEARCH}
        return frozenset(named | ({Signal.SEARCH} if self.search else set()))

    def weight(self, signal: Signal) -> float:
        """Return what ``signal`` counts; the usual where nothing else was said."""
        return self.weights.get(signal) or USUAL_WEIGHTS[signal]


@dataclass(frozen=True)
class QueueItem:
    """A still to ask about; ``score``, 0 to 1, is the higher the more its signals speak for it."""

    frame_id: str
    camera: str
    score: float
    signal: Signal
    reason: str


@dataclass(frozen=True)
class LookAgain:
    """An answer that the model contradicts; ``doubt`` is what it gives the other class over the one that was said."""

    frame_id: str
    camera: str
    doubt: float
    reason: str


@dataclass(frozen=True)
class QueuePlan:
    """The stills to ask about in this order, and how they were come by.

    Of ``unasked`` stills ``compared`` ones were compared by their looks, ``near_copies`` of which were left out because
    they show what somebody was asked about already, and the model has looked at ``looked_at``. ``waiting`` tasks were
    open before these. ``notes`` say what could not be taken into account.
    """

    site: str
    made_by: str
    made_at: datetime
    seconds: float
    rules: QueueRules
    model_version: str
    items: tuple[QueueItem, ...]
    look_again: tuple[LookAgain, ...]
    unasked: int
    compared: int
    near_copies: int
    looked_at: int
    waiting: int
    notes: tuple[str, ...]


def _require_at_least_one(what: str, count: int) -> None:
    if count < 1:
        raise UsageError(expected=f"one or more {what}", found=f"{count}", remedy="give a larger number")


def text_to_weights(text: str) -> dict[Signal, float]:
    """Return the weights that a text such as ``uncertainty=2,diversity`` names; the usual one where none is given."""
    weights: dict[Signal, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, weight = part.partition("=")
        try:
            signal = Signal(name.strip())
            weights[signal] = float(weight) if weight else USUAL_WEIGHTS[signal]
        except ValueError as exc:
            raise UsageError(
                expected=f"signals among {', '.join(_NAMED)}, each with a weight if wanted",
                found=repr(part),
                remedy="write for example uncertainty=2,diversity",
            ) from exc
    return weights
