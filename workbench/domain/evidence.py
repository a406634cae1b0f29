"""What speaks for or against a model: figures with intervals, gates, candidates, drift."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from workbench.domain.datasets import Split

__all__ = [
    "Candidate",
    "CandidateState",
    "DriftReport",
    "EvaluationReport",
    "Gate",
    "Interval",
    "Verdict",
]


@dataclass(frozen=True)
class Interval:
    """A point estimate with its 95 % confidence bounds; ``low <= value <= high`` need not hold for a bootstrap."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True)
class EvaluationReport:
    """Metrics of one model on one split of one dataset version, whole and by camera."""

    model_version: str
    dataset_id: str
    split: Split
    rows: int
    metrics: Mapping[str, Interval]
    by_camera: Mapping[str, Mapping[str, Interval]]


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NO_EVIDENCE = "no-evidence"


@dataclass(frozen=True)
class Gate:
    """A written condition of promotion. No evidence is never a pass."""

    name: str
    verdict: Verdict
    explanation: str


class CandidateState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Candidate:
    """A run that asks to become the site's champion, with its evidence and what it was compared with.

    ``adapter_digest`` is the SHA-256 of the adapter's manifest, and so of all of its files; empty where an earlier
    release recorded none. ``note`` is the requester's, ``decision_note`` the reviewer's.
    """

    site: str
    version: int
    run_id: str
    dataset_id: str
    state: CandidateState
    compared_with: str
    gates: tuple[Gate, ...]
    requested_by: str
    requested_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str = ""
    decision_note: str = ""
    adapter_digest: str = ""


@dataclass(frozen=True)
class DriftReport:
    """A current window of one camera against the reference that the champion was trained on."""

    site: str
    camera: str
    reference_rows: int
    current_rows: int
    statistics: Mapping[str, float]
    p_values: Mapping[str, float]
    drifted: bool
    window: tuple[datetime, datetime] | None = field(default=None)

    @property
    def verdict(self) -> Verdict:
        """``no-evidence`` where no test could be made, which is not "no drift"."""
        if not self.p_values:
            return Verdict.NO_EVIDENCE
        return Verdict.FAIL if self.drifted else Verdict.PASS
