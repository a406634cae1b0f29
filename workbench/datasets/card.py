"""The dataset card of a version: what a stranger has to know of it, as Hugging Face lays such cards out."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from huggingface_hub import DatasetCardData

from workbench.datasets.checks import Finding, Severity
from workbench.datasets.leak_report import LeakReport
from workbench.datasets.manifest import Manifest
from workbench.datasets.timelines import SPLITS
from workbench.domain import Interval, Split

__all__ = ["CARD_FILE", "CardFacts", "write_card"]

CARD_FILE = "README.md"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGEST = "n>1M"
_HOURS = 24
_MARKS = re.compile(r"[\\`*<>|#&\[\]]")


@dataclass(frozen=True)
class CardFacts:
    """What the manifest does not hold; ``agreement`` are coefficients of labellers' agreement by name, where known.

    ``leaks`` is None where no leak check is known.
    """

    cameras: Sequence[str]
    leaks: LeakReport | None = None
    findings: Sequence[Finding] = ()
    agreement: Mapping[str, Interval] = field(default_factory=dict)


def write_card(manifest: Manifest, facts: CardFacts) -> str:
    """Return the card's Markdown with its YAML header; it follows from the version and is no part of its id."""
    sections = [
        ("", _summary(manifest)),
        ("Classes", _counts(manifest, manifest.class_names, "class_name")),
        ("Cameras", _counts(manifest, sorted({row.camera for row in manifest.rows}), "camera")),
        ("Who labelled", [*_labellers(manifest), *_agreement(facts.agreement)]),
        ("How it was split", _splitting(manifest, facts.leaks)),
        ("Known gaps", _listed(_gaps(manifest, facts)) or ["None was found."]),
    ]
    text = "\n\n".join("\n".join([*([f"## {title}", ""] if title else []), *lines]) for title, lines in sections)
    return f"---\n{_header(manifest)}\n---\n\n# {_title(manifest)}\n\n{text}\n"


def _title(manifest: Manifest) -> str:
    return f"Labelled frames of site {manifest.site}"


def _header(manifest: Manifest) -> str:
    frames = len(manifest.rows)
    held = [split for split in SPLITS if manifest.of(split)]
    tasks = ["image-classification", "image-to-text", *(["visual-question-answering"] if manifest.questions else [])]
    header = DatasetCardData(
        license=manifest.licence,
        pretty_name=_title(manifest),
        size_categories=[next((name for most, name in _SIZES if frames < most), _LARGEST)],
        task_categories=tasks,
        tags=["site-workbench", "fixed-camera"],
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": split.value, "path": f"{split.value}/*.arrow"} for split in held],
            }
        ],
    )
    return str(header.to_yaml()).strip()


def _summary(manifest: Manifest) -> list[str]:
    first, last = (choose(row.taken_at for row in manifest.rows) for choose in (min, max))
    clips = len({row.clip_id for row in manifest.rows})
    span = f"taken from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"
    lines = [
        f"- Version `{manifest.id}`" + (f", made after `{manifest.parent_id}`" if manifest.parent_id else ""),
        f"- {len(manifest.rows):,} frames of {clips:,} clips, {span}",
        f"- Licence: {manifest.licence}",
        "- Pictures are named by the SHA-256 of their bytes (`frame_id`) and lie in the site's frame store, not here",
    ]
    replied = Counter(name for row in manifest.rows for name in row.replies)
    lines += [
        f"- Question `{one.name}`, {_as_said(one.text)} {replied[one.name]:,} replies" for one in manifest.questions
    ]
    boxes = Counter(box.label for row in manifest.rows for box in row.boxes)
    if boxes:
        lines.append("- Boxes: " + ", ".join(f"{count:,} {_as_said(label)}" for label, count in sorted(boxes.items())))
    return lines


def _counts(manifest: Manifest, names: Iterable[str], kind: str) -> list[str]:
    counted = manifest.counts(kind)
    rows = [(name, [counted[name, split] for split in SPLITS]) for name in names]
    return [
        f"| | {' | '.join(SPLITS)} | all |",
        f"| --- | {' | '.join('---:' for _ in SPLITS)} | ---: |",
        *(f"| {name} | {' | '.join(map(str, counts))} | {sum(counts)} |" for name, counts in rows),
    ]


def _labellers(manifest: Manifest) -> list[str]:
    said = Counter(name for row in manifest.rows for name in row.annotators)
    several = sum(len(row.annotators) > 1 for row in manifest.rows)
    told = [f"- {_as_said(name)}: {_frames(count)}" for name, count in sorted(said.items())]
    people = "one person" if len(said) == 1 else f"{len(said)} people"
    return [f"By {people}; looked at by more than one: {_frames(several)}.", "", *told]


def _agreement(agreement: Mapping[str, Interval]) -> list[str]:
    if not agreement:
        return ["", "How far they agree was not measured: too few frames have answers of several."]
    return ["", *(f"- {name}: {interval}" for name, interval in agreement.items())]


def _splitting(manifest: Manifest, leaks: LeakReport | None) -> list[str]:
    gaps = ", ".join(f"{camera} {gap_s:g} s" for camera, gap_s in manifest.gaps_s.items())
    how = "Clips go to one split whole, long ones are cut in time; frames of one camera in different splits are farther"
    lines = [f"{how} apart than its gap: {gaps}.", ""]
    lines += [f"- Left out as {why}: {_frames(len(ids))}" for why, ids in manifest.left_out.items()]
    lines += [f"- Camera {camera} is in test with all its frames" for camera in manifest.held_out_cameras]
    lines += [f"- Clip {_as_said(clip)} was left out" for clip in manifest.left_out_clips]
    if (allowed := manifest.allowed_leaks) is not None:
        who, pairs = _as_said(allowed.allowed_by), len(allowed.pairs)
        lines.append(f"- **Leaks were allowed** by {who}, of {_frames(pairs)}: {_as_said(allowed.reason)}")
    elif leaks:
        lines.append(f"- {leaks.pictures:,} pictures were compared: no test frame shows what a training frame shows")
    else:
        lines.append("- It is not known that pictures were compared across splits")
    for camera, near in (leaks.nearness if leaks else {}).items():
        lines.append(
            f"- Of {near.frames:,} test frames of {camera}, {near.by_hash / near.frames:.0%} look like some training "
            f"frame by hash, {near.by_embedding / near.frames:.0%} by embedding"
        )
    return lines


def _gaps(manifest: Manifest, facts: CardFacts) -> Iterator[str]:
    yield from _sentences(facts.findings, Severity.FAILURE)
    seen = {row.camera for row in manifest.rows}
    yield from (f"Camera {camera} has no labelled frame." for camera in facts.cameras if camera not in seen)
    present = {row.class_name for row in manifest.of(Split.TEST)}
    yield from (
        f"Class {name} is not in test: nothing measures it." for name in manifest.class_names if name not in present
    )
    if told := _hours_without({row.taken_at.hour for row in manifest.rows}):
        yield f"No frame was taken in these hours of the day (UTC): {told}."
    yield from _sentences(facts.findings, Severity.WARNING)


def _sentences(findings: Iterable[Finding], severity: Severity) -> Iterator[str]:
    yield from (_as_said(finding.sentence) for finding in findings if finding.severity is severity)


def _hours_without(hours: set[int]) -> str:
    """Return the hours that are not among ``hours``, runs as 22-5 where they are neighbours."""
    missing = [hour for hour in range(_HOURS) if hour not in hours]
    runs = [[hour for _, hour in run] for _, run in groupby(enumerate(missing), key=lambda pair: pair[1] - pair[0])]
    return ", ".join(f"{run[0]:02d}:00-{run[-1]:02d}:59" for run in runs)


def _frames(count: int) -> str:
    return f"{count:,} frame{'' if count == 1 else 's'}"


def _as_said(text: str) -> str:
    """Return what a person or a file said so that Markdown shows it as it is, in one line."""
    return _MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def _listed(sentences: Iterable[str]) -> list[str]:
    return [f"- {sentence}" for sentence in sentences]
