"""The list of all that is in a dataset version; the SHA-256 of its text is the version's id."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from functools import cached_property

from workbench.domain import Answer, Box, Question, Split
from workbench.errors import DatasetError

__all__ = ["AllowedLeaks", "Manifest", "ManifestRow", "text_to_manifest"]

_FORMAT = 2
_OF_FORMAT_1 = frozenset({"site", "class_names", "parent_id", "seed", "gaps_s", "dropped", "problems", "rows"})
_TUPLES = {
    "class_names",
    "dropped",
    "problems",
    "questions",
    "held_out_cameras",
    "left_out_clips",
    "copies",
    "golden",
    "near_golden",
}
_ROWS_OF_FORMAT_2 = frozenset({"replies", "boxes"})


@dataclass(frozen=True)
class ManifestRow:
    """A frame, what is taken to be true about it, and everybody who said something about it."""

    frame_id: str
    camera: str
    clip_id: str
    clip_name: str
    offset_s: float
    taken_at: datetime
    class_name: str
    caption: str
    split: Split
    annotators: tuple[str, ...]
    replies: Mapping[str, str] = field(default_factory=dict)
    boxes: tuple[Box, ...] = ()

    @property
    def answer(self) -> Answer:
        return Answer(self.class_name, self.caption, self.replies, self.boxes)


@dataclass(frozen=True)
class AllowedLeaks:
    """Leaks that somebody let into the version: the held-out frame of each pair, and the one that it resembles."""

    reason: str
    allowed_by: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Manifest:
    """What was frozen, and how.

    Frames that are not among ``rows``: ``dropped`` lay too near in time to another split, ``copies`` looked like a
    frame of another split, ``near_golden`` are of the golden sets ``golden`` or near one of theirs. ``problems`` says
    in sentences what the split could not do.
    """

    site: str
    class_names: tuple[str, ...]
    rows: tuple[ManifestRow, ...]
    parent_id: str | None = None
    seed: int = 0
    gaps_s: Mapping[str, float] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    licence: str = "other"
    held_out_cameras: tuple[str, ...] = ()
    left_out_clips: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    golden: tuple[str, ...] = ()
    near_golden: tuple[str, ...] = ()
    allowed_leaks: AllowedLeaks | None = None
    format: int = _FORMAT

    @cached_property
    def id(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @cached_property
    def text(self) -> str:
        """Canonical JSON (sorted keys, no spaces, rows in order, UTC): equal manifests have equal text."""
        names = [one.name for one in fields(self) if self.format > 1 or one.name in {*_OF_FORMAT_1, "format"}]
        content = {name: getattr(self, name) for name in names}
        content |= {"rows": [_row_to_json(row, self.format) for row in self.rows], "gaps_s": dict(self.gaps_s)}
        if self.format > 1:
            content["questions"] = [asdict(question) for question in self.questions]
            content["allowed_leaks"] = self.allowed_leaks and asdict(self.allowed_leaks)
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def left_out(self) -> dict[str, tuple[str, ...]]:
        """The frames that are not among ``rows``, by why; reasons that there was none for are not in it."""
        reasons = {
            "too near in time to another split": self.dropped,
            "showing what a frame of a later split shows": self.copies,
            "golden, or near a golden frame": self.near_golden,
        }
        return {why: frame_ids for why, frame_ids in reasons.items() if frame_ids}

    def counts(self, kind: str) -> Counter[tuple[str, Split]]:
        """Count the rows by split and what their field ``kind`` says."""
        return Counter((str(getattr(row, kind)), row.split) for row in self.rows)

    def of(self, split: Split) -> tuple[ManifestRow, ...]:
        return tuple(row for row in self.rows if row.split == split)


def text_to_manifest(text: str) -> Manifest:
    """Return the manifest that ``text`` spells, of this format or the one before; DatasetError when it spells none."""
    try:
        content = json.loads(text)
        if content["format"] not in (1, _FORMAT):
            raise ValueError(f"format {content['format']}")
        if content["format"] > 1:
            content["questions"] = map(_json_to_question, content["questions"])
            content["allowed_leaks"] = _allowed(content["allowed_leaks"])
        for name in _TUPLES & content.keys():
            content[name] = tuple(content[name])
        return Manifest(rows=tuple(map(_json_to_row, content.pop("rows"))), **content)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DatasetError(
            expected=f"a dataset manifest of format {_FORMAT}",
            found=f"something else ({exc})",
            remedy="build the dataset again with `workbench dataset build`",
        ) from exc


def _row_to_json(row: ManifestRow, written_as: int) -> dict[str, object]:
    content = {**vars(row), "taken_at": row.taken_at.isoformat()}
    if written_as == 1:
        return {name: value for name, value in content.items() if name not in _ROWS_OF_FORMAT_2}
    return {**content, "replies": dict(row.replies), "boxes": [[box.label, *box.xyxy] for box in row.boxes]}


def _json_to_row(content: dict[str, object]) -> ManifestRow:
    boxes: list[list[float]] = content.get("boxes", [])  # type: ignore[assignment]
    known = {
        **content,
        "taken_at": datetime.fromisoformat(str(content["taken_at"])),
        "split": Split(str(content["split"])),
        "annotators": tuple(content["annotators"]),  # type: ignore[arg-type]
        "boxes": tuple(Box(str(label), (left, top, right, bottom)) for label, left, top, right, bottom in boxes),
    }
    return ManifestRow(**known)  # type: ignore[arg-type]


def _allowed(content: dict[str, object] | None) -> AllowedLeaks | None:
    if content is None:
        return None
    pairs: list[list[str]] = content["pairs"]  # type: ignore[assignment]
    return AllowedLeaks(str(content["reason"]), str(content["allowed_by"]), tuple((one, other) for one, other in pairs))


def _json_to_question(content: dict[str, object]) -> Question:
    options: list[str] = content["options"]  # type: ignore[assignment]
    return Question(str(content["name"]), str(content["text"]), tuple(options))
