"""What is measured of a model beside its figures on held-out frames; some of it takes a while and is asked for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from workbench.domain import Interval
from workbench.evaluation.beside import Beside

__all__ = ["ASKED_FOR", "CHECK_TEXTS", "Check", "CheckResult", "CheckText", "result_from_json", "result_to_json"]


class Check(StrEnum):
    MENTIONS = "mentions"
    PROBES = "probes"
    ROBUSTNESS = "robustness"
    GENERAL = "general"
    JUDGE = "judge"


ASKED_FOR = (Check.PROBES, Check.ROBUSTNESS, Check.GENERAL)
"""What is measured only where somebody asks for it; a judge is asked where one is named."""


@dataclass(frozen=True)
class CheckText:
    """What a check is called, what is done in it, and how to read it."""

    title: str
    meaning: str


CHECK_TEXTS: Mapping[Check, CheckText] = {
    Check.MENTIONS: CheckText(
        "Things that are not there",
        "Captions that speak of an object which neither people's caption nor their boxes know (CHAIR).",
    ),
    Check.PROBES: CheckText(
        "Yes or no",
        "Asked for things that are there and as many that are not (POPE): any, the most common, and what usually "
        "stands beside the others. Look at the share of yes first: it should be near 50 %.",
    ),
    Check.ROBUSTNESS: CheckText(
        "In poor conditions",
        "How often the class is right when the same stills get worse, from 0 (as they are) to 5.",
    ),
    Check.GENERAL: CheckText(
        "What it could do before",
        "Rendered scenes of other places that neither the base nor this model has learnt: has it forgotten anything?",
    ),
    Check.JUDGE: CheckText(
        "A judge's opinion",
        "Another model scores captions from 1 to 5 by a rubric. Never enough to decide by.",
    ),
}


@dataclass(frozen=True)
class CheckResult:
    """``asked`` is the number of frames or questions; ``counts`` are what stands beside the figures, by its name."""

    check: Check
    asked: int
    figures: tuple[Beside, ...]
    counts: Mapping[str, float | None] = field(default_factory=dict)


def result_to_json(result: CheckResult) -> dict[str, Any]:
    return asdict(result)


def result_from_json(stored: Mapping[str, Any]) -> CheckResult:
    """Return what :func:`result_to_json` was given."""
    figures = (
        Beside(one["name"], *(one[key] and Interval(**one[key]) for key in ("own", "base", "difference")))
        for one in stored["figures"]
    )
    return CheckResult(Check(stored["check"]), stored["asked"], tuple(figures), stored["counts"])
