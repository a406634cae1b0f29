"""A dataset version as the page shows it: its parts by class and camera, its leak report and what checks found."""

from collections.abc import Collection, Sequence

from markupsafe import Markup

from workbench.datasets import Manifest, load_manifest
from workbench.datasets.checks import CheckReport, Finding, Severity
from workbench.datasets.leak_report import Leak, LeakReport, SeenFrame, evenly_chosen
from workbench.domain import DatasetVersion, Split
from workbench.errors import DatasetError, NotFoundError
from workbench.ui.fragments import badge, facts, frame_grid, frame_link, note, page_link, table
from workbench.workflows.dataset_checks import known_card, known_checks, known_leaks
from workbench.workflows.workspace import Workspace

__all__ = ["allowed_leaks_note", "card_text", "dataset_details", "leak_pairs"]

_EXAMPLES = 6
_PAIRS = 12
_TONES = {Severity.FAILURE: "bad", Severity.WARNING: "warn"}


def dataset_details(workspace: Workspace, version: DatasetVersion) -> Markup:
    """Return everything about a version but its card; a note where its files are gone."""
    try:
        manifest = load_manifest(version)
    except DatasetError as error:
        return note(str(error), tone="bad")
    leaks, checks = known_leaks(version), known_checks(version)
    return Markup("").join(
        [
            _counts(manifest),
            _left_out(manifest),
            _checks(workspace, version, checks),
            _leaks(workspace, manifest, leaks),
        ]
    )


def card_text(version: DatasetVersion) -> str:
    """Return the dataset card without its header, which is for programs; empty where there is none."""
    try:
        return known_card(version).partition("\n---\n")[2].strip()
    except DatasetError:
        return ""


def allowed_leaks_note(workspace: Workspace, dataset_id: str) -> Markup:
    """Tell a reviewer that leaks were let into a version, by whom and why, or that nobody can know; else nothing."""
    try:
        allowed = load_manifest(workspace.store.datasets.get(dataset_id)).allowed_leaks
    except (DatasetError, NotFoundError) as error:
        return note(f"Whether leaks were allowed into the dataset is not known. {error}", tone="warn")
    if allowed is None:
        return Markup("")
    told = (
        f"{len(allowed.pairs)} held-out stills of the dataset show what training stills show, so that figures may "
        f"flatter the model. {allowed.allowed_by} allowed it: {allowed.reason}"
    )
    return note(told, tone="warn")


def leak_pairs(workspace: Workspace, site: str, leaks: Sequence[Leak], *, most: int = _PAIRS) -> Markup:
    """Return pairs of stills side by side, each with where and when they are and how near their pictures."""
    if not leaks:
        return Markup("")
    shown = evenly_chosen(leaks, most)
    ids = [frame.frame_id for leak in shown for frame in (leak.held_out, leak.other)]
    known = workspace.store.footage.known(site, ids)
    figures = Markup("").join(_pair(leak, known) for leak in shown)
    more = note(f"{len(shown)} of {len(leaks)} pairs, evenly chosen.") if len(shown) < len(leaks) else Markup("")
    return Markup('<div class="wb-twins">{}</div>{}').format(figures, more)


def _counts(manifest: Manifest) -> Markup:
    parts = []
    cameras = sorted({row.camera for row in manifest.rows})
    for what, kind, names in (("class", "class_name", manifest.class_names), ("camera", "camera", cameras)):
        counted = manifest.counts(kind)
        rows = [(name, *(f"{counted[name, split]:,}" for split in Split)) for name in names]
        parts.append(table([what, *Split], rows, numeric=(1, 2, 3)))
    return Markup('<div class="wb-parts">{}</div>').format(Markup("").join(parts))


def _left_out(manifest: Manifest) -> Markup:
    figures = {
        "left out: too near in time": manifest.dropped,
        "left out: shown again": manifest.copies,
        "left out: golden or near": manifest.near_golden,
    }
    told = [note(f"Camera {camera} is in test with all its stills.") for camera in manifest.held_out_cameras]
    if manifest.left_out_clips:
        told.append(note(f"Clips that were left out: {', '.join(manifest.left_out_clips)}."))
    counts = {name: f"{len(frames):,}" for name, frames in figures.items()}
    return facts(counts | {"licence": manifest.licence}) + Markup("").join(told)


def _checks(workspace: Workspace, version: DatasetVersion, report: CheckReport | None) -> Markup:
    if report is None:
        return Markup("<h4>Checks</h4>") + note("This version was not checked yet.")
    examples = (frame_id for finding in report.findings for frame_id in finding.frame_ids[:_EXAMPLES])
    known = workspace.store.footage.known(version.site, examples)
    how = "every picture read" if report.pictures_read else "pictures looked up"
    title = Markup("<h4>Checks <span>{:%Y-%m-%d %H:%M} UTC, {} · {}</span></h4>").format(
        report.checked_at, how, page_link(f"/datasets/{version.id}/checks", "on a page of its own ↗")
    )
    if not report.findings:
        return title + note("Nothing was found.", tone="good")
    items = Markup("").join(_finding(finding, known) for finding in report.findings)
    return title + Markup('<ul class="wb-gates wb-findings">{}</ul>').format(items)


def _finding(finding: Finding, known: Collection[str]) -> Markup:
    remarks = finding.remarks or ("",) * len(finding.frame_ids)
    examples = list(zip(finding.frame_ids, remarks, strict=True))[:_EXAMPLES]
    shown = [(frame_id, remark or frame_id[:10]) for frame_id, remark in examples if frame_id in known]
    frames = frame_grid(shown) if shown else Markup("")
    return Markup("<li>{}<div><b>{}</b><p>{}</p>{}</div></li>").format(
        badge(finding.severity.value, _TONES[finding.severity]), finding.check, finding.sentence, frames
    )


def _leaks(workspace: Workspace, manifest: Manifest, report: LeakReport | None) -> Markup:
    title = Markup("<h4>Leak report</h4>")
    if report is None:
        return title + note("There is no report of a leak check: build anew to have one.")
    allowed = manifest.allowed_leaks
    if allowed is not None:
        tone, told = "bad", f"Leaks were allowed by {allowed.allowed_by}: {allowed.reason}"
    elif report.leaks:
        tone = "good"
        told = f"{len(manifest.copies)} stills were left out because held-out ones show the same; these are the pairs."
    else:
        tone, told = "good", f"{report.pictures:,} pictures were compared: no held-out still shows what others show."
    golden = Markup("")
    if report.near_golden:
        golden = Markup("<h4>Left out because of the golden set</h4>")
        golden += leak_pairs(workspace, manifest.site, report.near_golden)
    return (
        title + note(told, tone=tone) + _nearness(report) + leak_pairs(workspace, manifest.site, report.leaks) + golden
    )


def _nearness(report: LeakReport) -> Markup:
    """Return how repetitive each camera is: no leak, but how easily its test stills are recognised."""
    rows = [
        (camera, f"{near.frames:,}", f"{near.by_hash / near.frames:.0%}", f"{near.by_embedding / near.frames:.0%}")
        for camera, near in report.nearness.items()
    ]
    if not rows:
        return Markup("")
    columns = ("camera", "test stills", "near a training still by hash", "by embedding")
    return table(columns, rows, numeric=(1, 2, 3))


def _pair(leak: Leak, known: Collection[str]) -> Markup:
    near = "" if leak.hash_bits is None else f" · {leak.hash_bits} bits, {leak.distance:.4f} apart"
    return Markup("<figure><div>{}{}</div><figcaption>{}{}</figcaption></figure>").format(
        _half(leak.held_out, known), _half(leak.other, known), leak.kind, near
    )


def _half(frame: SeenFrame, known: Collection[str]) -> Markup:
    picture = (
        frame_link(frame.frame_id, f"{frame.part} still")
        if frame.frame_id in known
        else Markup('<span class="wb-gone">no picture any more</span>')
    )
    return Markup(
        '<div>{}<b>{} · {}</b><span title="{}">{}</span><time datetime="{}">{:%Y-%m-%d %H:%M:%S}</time></div>'
    ).format(
        picture, frame.part, frame.class_name, frame.clip_name, frame.clip_name, frame.taken_at.isoformat(),
        frame.taken_at,
    )  # fmt: skip
