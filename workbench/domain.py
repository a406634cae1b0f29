"""The words of the workbench: frozen values that refuse to be wrong.

Times are timezone-aware UTC; units and layouts stand in the names. A :class:`Prediction` (what a model said) and an
:class:`Annotation` (what a person said) are different types, so that a guess never becomes ground truth by accident.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from workbench.errors import UsageError

__all__ = [
    "Annotation",
    "AuditEvent",
    "Camera",
    "Candidate",
    "CandidateState",
    "Clip",
    "DatasetVersion",
    "DriftReport",
    "EvaluationReport",
    "Frame",
    "Gate",
    "Interval",
    "Job",
    "JobState",
    "LabelTask",
    "LabelledFrame",
    "LiveRecording",
    "Mask",
    "MaskStyle",
    "Prediction",
    "Role",
    "Sampling",
    "SelectionStep",
    "Site",
    "Split",
    "StreamKind",
    "Taking",
    "User",
    "Verdict",
    "utc_now",
]

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}", re.IGNORECASE)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Role(StrEnum):
    ENGINEER = "engineer"
    LABELLER = "labeller"
    REVIEWER = "reviewer"


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class CandidateState(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"


class MaskStyle(StrEnum):
    BLACK = "black"
    BLUR = "blur"


class Taking(StrEnum):
    """Which stills of footage are taken: at even intervals, keyframes alone, or those that show a changed view."""

    EVERY = "every"
    KEYFRAMES = "keyframes"
    CHANGES = "changes"


class StreamKind(StrEnum):
    """How a live stream is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"
    ENDED = "ended"


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NO_EVIDENCE = "no-evidence"


@dataclass(frozen=True)
class User:
    name: str
    roles: frozenset[Role]

    def __post_init__(self) -> None:
        _require_name("user", self.name)


@dataclass(frozen=True)
class Site:
    """A place that gets its own adapter; one registered model in MLflow bears its name."""

    name: str
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        _require_name("site", self.name)
        if len(self.class_names) < 2 or len(set(self.class_names)) != len(self.class_names):
            raise UsageError(
                expected="at least two different class names",
                found=", ".join(self.class_names) or "none",
                remedy="name them with commas between them: a,b,c",
            )
        for class_name in self.class_names:
            _require_name("class", class_name)


@dataclass(frozen=True)
class Mask:
    """A part of a camera's view that nobody is to see; ``outline_uv`` are corners as parts of width and height."""

    outline_uv: tuple[tuple[float, float], ...]
    style: MaskStyle = MaskStyle.BLACK

    def __post_init__(self) -> None:
        if len(self.outline_uv) < 3 or not all(0 <= part <= 1 for corner in self.outline_uv for part in corner):
            raise UsageError(
                expected="a mask of three corners or more, each given as parts of width and height from 0 to 1",
                found=" ".join(f"{u:g},{v:g}" for u, v in self.outline_uv) or "none",
                remedy="give for example 0,0 0.3,0 0.3,1 0,1 for the left third",
            )


@dataclass(frozen=True)
class Camera:
    """One fixed viewpoint of a site, and what of it is never stored: ``masks`` and, where asked for, faces."""

    site: str
    name: str
    masks: tuple[Mask, ...] = ()
    hides_faces: bool = False

    def __post_init__(self) -> None:
        _require_name("camera", self.name)


@dataclass(frozen=True)
class Clip:
    """A stretch of footage; ``id`` is the SHA-256 of the file's bytes, or of the stream's URL and start."""

    id: str
    site: str
    camera: str
    name: str
    started_at: datetime
    duration_s: float
    size_wh: tuple[int, int]


@dataclass(frozen=True)
class Frame:
    """One still; ``id`` is the SHA-256 of its stored bytes (JPEG)."""

    id: str
    site: str
    camera: str
    clip_id: str
    clip_name: str
    offset_s: float
    taken_at: datetime
    size_wh: tuple[int, int]


@dataclass(frozen=True)
class SelectionStep:
    """What one step left of the stills that it was given; ``reason`` says why the others were dropped."""

    name: str
    kept: int
    dropped: int
    reason: str


@dataclass(frozen=True)
class Sampling:
    """What came of taking stills from a source once.

    ``clips`` are names, ``since`` and ``until`` the first and last instant kept, ``frames_known`` those kept whose
    pictures the catalogue held already. ``starts`` counts the recordings by what told when they began.
    """

    site: str
    camera: str
    source: str
    actor: str
    at: datetime
    seconds: float
    clips: tuple[str, ...]
    since: datetime | None
    until: datetime | None
    frames_found: int
    frames_added: int
    frames_known: int
    steps: tuple[SelectionStep, ...]
    starts: Mapping[str, int]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class LiveRecording:
    """How a camera's stream is doing, as the process that records it (``pid``, born at ``born_at``) told last.

    ``reason`` is a sentence without credentials; ``retry_in_s`` counts from ``since`` while the stream is waited for.
    """

    site: str
    camera: str
    kind: StreamKind
    since: datetime
    reason: str
    retry_in_s: float | None
    reconnects: int
    stills_taken: int
    stills_dropped: int
    pid: int
    born_at: datetime


@dataclass(frozen=True)
class LabelTask:
    """A request for a person's say on a frame; ``reason`` tells why this frame was chosen."""

    frame_id: str
    task_id: int
    project_id: int
    reason: str


@dataclass(frozen=True)
class Prediction:
    """What a model said about a frame; ``score`` is the probability of ``class_name``."""

    frame_id: str
    class_name: str
    caption: str
    model_version: str
    score: float


@dataclass(frozen=True)
class Annotation:
    """What a person said about a frame."""

    frame_id: str
    class_name: str
    caption: str
    labeller: str
    updated_at: datetime
    annotation_id: int


@dataclass(frozen=True)
class LabelledFrame:
    """One row of a dataset version: a frame's stored JPEG with what a person said about it."""

    frame_id: str
    camera: str
    clip_id: str
    taken_at: datetime
    class_name: str
    caption: str
    image_jpeg: bytes


@dataclass(frozen=True)
class DatasetVersion:
    """A frozen set of annotated frames; ``id`` is the SHA-256 of its manifest."""

    id: str
    site: str
    parent_id: str | None
    path: str
    rows: Mapping[Split, int]
    created_at: datetime


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


@dataclass(frozen=True)
class Gate:
    """A written condition of promotion. No evidence is never a pass."""

    name: str
    verdict: Verdict
    explanation: str


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
class AuditEvent:
    """Who did what to which thing, and when; ``digest`` chains the event to the one before it."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, object]
    previous_digest: str
    digest: str


@dataclass(frozen=True)
class Job:
    """Long work in a process (group) of its own, started by a face and followed through the database.

    ``cancelled_by`` asked that it ends; until it has, the job is still running.
    """

    id: int
    kind: str
    site: str
    argv: tuple[str, ...]
    state: JobState
    started_by: str
    started_at: datetime
    log_path: str
    pid: int | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None
    cancelled_by: str | None = None


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


def _require_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            expected=f"a {what} name of 1 to 63 letters, digits, '_', '-' or '.'",
            found=repr(name),
            remedy=f"rename the {what}",
        )
