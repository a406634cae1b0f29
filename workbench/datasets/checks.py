"""What makes a dataset version unfit, or worth a look, each in one sentence with the frames that it is about."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import TypeAdapter

from workbench.datasets.manifest import Manifest, ManifestRow
from workbench.datasets.suspects import Suspects
from workbench.domain import CaptionGuide, Split

__all__ = [
    "CHECKS_FILE",
    "CheckReport",
    "Finding",
    "Severity",
    "check_captions",
    "check_files",
    "check_manifest",
    "check_pictures",
]

CHECKS_FILE = "checks.json"


class Severity(StrEnum):
    """A version with a failure is unfit: what was measured or learnt with it cannot be relied on."""

    FAILURE = "failure"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """``frame_ids`` are in the order in which they should be looked at; ``remarks``, if any, say something of each."""

    check: str
    severity: Severity
    sentence: str
    frame_ids: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """``pictures_read`` tells whether every picture was read and verified, or only looked up in the catalogue."""

    dataset_id: str
    checked_at: datetime
    pictures_read: bool
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is Severity.FAILURE)

    @property
    def text(self) -> str:
        return _REPORT.dump_json(self, indent=1).decode()

    @classmethod
    def from_text(cls, text: str) -> "CheckReport":
        return _REPORT.validate_json(text)


_REPORT = TypeAdapter(CheckReport)


def check_manifest(manifest: Manifest, suspects: Suspects, *, compared: bool) -> Iterator[Finding]:
    """Yield what the rows tell; ``compared`` says whether it is known that pictures were compared across splits."""
    yield from _empty_classes(manifest)
    if (allowed := manifest.allowed_leaks) is not None:
        yield Finding(
            "leaks",
            Severity.FAILURE,
            f"{len(allowed.pairs)} held-out frames show what frames of earlier splits show; {allowed.allowed_by} "
            f"allowed it: {allowed.reason}",
            tuple(held_out for held_out, _ in allowed.pairs),
        )
    elif not compared:
        yield Finding("leaks", Severity.WARNING, "There is no report of a leak check: build anew to have one.")
    yield from (Finding("split", Severity.WARNING, f"{problem}.") for problem in manifest.problems)
    yield from _one_camera_classes(manifest)
    yield from _suspects(manifest, suspects)


def check_captions(rows: Iterable[ManifestRow], guide: CaptionGuide) -> Iterator[Finding]:
    """Yield a finding for each way in which captions break the guide."""
    bad = {_plain(example) for example in guide.bad}
    broken: defaultdict[str, list[ManifestRow]] = defaultdict(list)
    for row in rows:
        if not row.caption.strip():
            broken["are empty"].append(row)
        elif _plain(row.caption) in bad:
            broken["the guide calls bad"].append(row)
        elif guide.problem_of(row.caption):
            broken["have too few or too many words for the guide"].append(row)
    for what, found in broken.items():
        yield Finding(
            "captions",
            Severity.WARNING,
            f"Captions that {what}: {len(found)}; correct them in Label Studio and build anew.",
            tuple(row.frame_id for row in found),
            tuple(row.caption or "no words" for row in found),
        )


def check_pictures(rows: Sequence[ManifestRow], gone: Collection[str], changed: Collection[str]) -> Iterator[Finding]:
    """Yield what is wrong with the pictures: ``gone`` from the catalogue or the disk, or ``changed`` on it."""
    for broken, what in (
        (gone, "are gone, as happens when parts of a view are hidden; build anew, the answers followed"),
        (changed, "are not the bytes that were stored; ingest their clips again"),
    ):
        frame_ids = tuple(row.frame_id for row in rows if row.frame_id in broken)
        if frame_ids:
            sentence = f"The pictures of {len(frame_ids)} of {len(rows)} frames {what}."
            yield Finding("pictures", Severity.FAILURE, sentence, frame_ids)


def check_files(changed: Sequence[Split]) -> Iterator[Finding]:
    """Yield that the rows of ``changed`` splits, as others read them, are not those of the manifest."""
    if changed:
        yield Finding(
            "files",
            Severity.FAILURE,
            f"The files of {' and '.join(changed)} are missing or hold other rows than the manifest: delete the folder "
            "and build again, which gives the same version.",
        )


def _empty_classes(manifest: Manifest) -> Iterator[Finding]:
    train = {row.class_name for row in manifest.of(Split.TRAIN)}
    anywhere = {row.class_name for row in manifest.rows}
    for name in manifest.class_names:
        if name not in train:
            where = "no frame" if name not in anywhere else "no training frame"
            yield Finding(
                "empty class",
                Severity.FAILURE,
                f"Class {name} has {where}: nothing can learn it. Label some, or take the class out of the taxonomy.",
                tuple(row.frame_id for row in manifest.rows if row.class_name == name),
            )


def _one_camera_classes(manifest: Manifest) -> Iterator[Finding]:
    cameras: defaultdict[str, set[str]] = defaultdict(set)
    for row in manifest.rows:
        cameras[row.class_name].add(row.camera)
    if len(set().union(*cameras.values())) < 2:
        return
    for name, seen_by in sorted(cameras.items()):
        if len(seen_by) == 1:
            yield Finding(
                "one-camera class",
                Severity.WARNING,
                f"Class {name} is seen by camera {min(seen_by)} alone: a model may learn the view and not the class.",
                tuple(row.frame_id for row in manifest.rows if row.class_name == name),
            )


def _suspects(manifest: Manifest, suspects: Suspects) -> Iterator[Finding]:
    if suspects.found:
        yield Finding(
            "label noise",
            Severity.WARNING,
            f"{len(suspects.found)} frames look like another class than they were given, to a simple model that learnt "
            f"from other clips and agrees with people about {suspects.agreed / suspects.judged:.0%} of the frames; "
            "look at the first ones.",
            tuple(manifest.rows[suspect.place].frame_id for suspect in suspects.found),
            tuple(
                f"{suspect.given}, looks like {suspect.likelier} ({suspect.likelier_probability:.0%})"
                for suspect in suspects.found
            ),
        )


def _plain(caption: str) -> str:
    """Return ``caption`` without what makes no other caption of it: case, spaces and a full stop."""
    return " ".join(caption.casefold().split()).rstrip(".")
