"""``workbench dataset``: build, compare and check dataset versions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from workbench.cli import golden
from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.cli.export import export_dataset
from workbench.domain import DatasetVersion, Split
from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.datasets import Manifest
    from workbench.datasets.checks import CheckReport
    from workbench.datasets.difference import DatasetDiff
    from workbench.datasets.leak_report import LeakReport, SeenFrame

app = typer.Typer(help="Datasets: frozen, leak-free sets of annotated frames.", no_args_is_help=True)
app.add_typer(golden.app, name="golden")
app.command("export")(export_dataset)

VersionArgument = Annotated[
    str | None, typer.Argument(help="Id of a version, or how it begins; the latest if left out.", show_default=False)
]
_SHOWN = 20


@app.command("build")
def build(
    site: SiteOption,
    hold_out_camera: Annotated[
        list[str] | None, typer.Option("--hold-out-camera", help="Put this camera into test whole; may be repeated.")
    ] = None,
    leave_out_clip: Annotated[
        list[str] | None, typer.Option("--leave-out-clip", help="Use no frame of this clip; may be repeated.")
    ] = None,
    allow_leaks: Annotated[
        str, typer.Option("--allow-leaks", help="Why held-out frames may show what training frames show; recorded.")
    ] = "",
    licence: Annotated[
        str, typer.Option("--licence", help="Licence as Hugging Face names it; that of the version before if left out.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Freeze the site's answers as a dataset version. The same answers again add nothing."""
    from workbench.datasets import load_manifest
    from workbench.workflows.build import BuildChoices, build_dataset

    choices = BuildChoices(
        tuple(sorted(set(hold_out_camera or ()))),
        tuple(sorted(set(leave_out_clip or ()))),
        allow_leaks.strip(),
        licence,
    )
    with progress_bar() as progress:
        version = build_dataset(open_workspace(), site, actor=actor_name(), choices=choices, progress=progress)
    _show(version, load_manifest(version), as_json)


@app.command("list")
def list_versions(site: SiteOption, as_json: JsonOption = False) -> None:
    """List the site's dataset versions, oldest first."""
    store = open_workspace().store
    versions = store.datasets.all(store.sites.get(site).name)
    lines = [f"{version.id[:12]}  {version.created_at:%Y-%m-%d %H:%M} UTC  {_sizes(version)}" for version in versions]
    emit(versions, as_json, "\n".join(lines) or "No version yet: build one with `workbench dataset build`.")


@app.command("show")
def show(site: SiteOption, dataset_id: VersionArgument = None, as_json: JsonOption = False) -> None:
    """Show what a dataset version holds, by split, class and camera; --json tells its clips, too."""
    from workbench.datasets import load_manifest
    from workbench.workflows.build import dataset_of

    version = dataset_of(open_workspace(), site, dataset_id)
    _show(version, load_manifest(version), as_json)


@app.command("diff")
def diff(
    before: Annotated[str, typer.Argument(help="Id of a version, or how it begins.")],
    after: Annotated[str, typer.Argument(help="Id of the version to compare it with, or how it begins.")],
    site: SiteOption,
    as_json: JsonOption = False,
) -> None:
    """Tell which frames were added, removed, relabelled or moved between splits."""
    from workbench.datasets import load_manifest
    from workbench.datasets.difference import difference
    from workbench.workflows.build import dataset_of

    workspace = open_workspace()
    versions = [dataset_of(workspace, site, dataset_id) for dataset_id in (before, after)]
    found = difference(*map(load_manifest, versions))
    emit({"before": versions[0].id, "after": versions[1].id, **vars(found)}, as_json, _as_text(found))


@app.command("check")
def check(
    site: SiteOption,
    dataset_id: VersionArgument = None,
    quick: Annotated[bool, typer.Option("--quick", help="Look pictures up only, do not read and verify them.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the findings with example frames as a page of its own.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look for what makes a version unfit. Exit code 1 when something does."""
    from workbench.workflows.build import dataset_of
    from workbench.workflows.check_page import check_page
    from workbench.workflows.dataset_checks import check_dataset

    workspace = open_workspace()
    version = dataset_of(workspace, site, dataset_id)
    with progress_bar() as progress:
        report = check_dataset(workspace, version, reads_pictures=not quick, progress=progress)
    if html is not None:
        _write(html, check_page(workspace, version, report))
    emit({**vars(report), "fit": not report.failures}, as_json, _findings(report))
    if report.failures:
        raise typer.Exit(1)


@app.command("leaks")
def leaks(site: SiteOption, dataset_id: VersionArgument = None, as_json: JsonOption = False) -> None:
    """Show what the leak check found in a version; of the last build if that was refused and none is named."""
    from workbench.workflows.build import dataset_of
    from workbench.workflows.dataset_checks import known_leaks, refused_leaks

    workspace = open_workspace()
    refused = None if dataset_id else refused_leaks(workspace, site)
    report = refused or known_leaks(dataset_of(workspace, site, dataset_id))
    emit(report, as_json, _pairs(report) if report else "There is no report of a leak check: build anew to have one.")


@app.command("card")
def card(site: SiteOption, dataset_id: VersionArgument = None, as_json: JsonOption = False) -> None:
    """Show a version's dataset card."""
    from workbench.workflows.build import dataset_of
    from workbench.workflows.dataset_checks import known_card

    version = dataset_of(open_workspace(), site, dataset_id)
    text = known_card(version)
    emit({"dataset_id": version.id, "card": text}, as_json, Markdown(text.partition("\n---\n")[2]))


def _write(path: Path, page: str) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as exc:
        raise UsageError(
            expected=f"a file that can be written at {path}",
            found=exc.strerror or str(exc),
            remedy="name another file for --html",
        ) from exc


def _show(version: DatasetVersion, manifest: "Manifest", as_json: bool) -> None:
    summary = {
        "version": version,
        "class_names": manifest.class_names,
        "classes": _counts(manifest, "class_name"),
        "cameras": _counts(manifest, "camera"),
        "clips": _counts(manifest, "clip_name"),
        "dropped": len(manifest.dropped),
        "copies": len(manifest.copies),
        "near_golden": len(manifest.near_golden),
        "gaps_s": manifest.gaps_s,
        "problems": manifest.problems,
        "licence": manifest.licence,
        "held_out_cameras": manifest.held_out_cameras,
        "left_out_clips": manifest.left_out_clips,
        "golden": manifest.golden,
        "allowed_leaks": manifest.allowed_leaks,
    }
    table = Table(title=f"Dataset version {version.id[:12]} of site {version.site}")
    for column in ("", *Split, "all"):
        table.add_column(column, justify="left" if not column else "right")
    for kind in ("class_name", "camera"):
        for name, counts in _counts(manifest, kind).items():
            table.add_row(name, *(str(counts[split]) for split in Split), str(sum(counts.values())))
        table.add_section()
    table.add_row("frames", *(str(version.rows[split]) for split in Split), str(len(manifest.rows)))
    emit(summary, as_json, Group(table, *_notes(manifest)))


def _notes(manifest: "Manifest") -> list[str]:
    notes = [f"{len(frames)} frames were left out as {why}." for why, frames in manifest.left_out.items()]
    if (allowed := manifest.allowed_leaks) is not None:
        notes.append(f"{allowed.allowed_by} allowed {len(allowed.pairs)} leaking frames: {allowed.reason}")
    return [*notes, *manifest.problems]


def _as_text(found: "DatasetDiff") -> str:
    sizes = f"{len(found.added)} frames added, {len(found.removed)} removed, {len(found.relabelled)} relabelled"
    lines = [f"{sizes}, {len(found.moved)} moved to another split, {found.unchanged} as before."]
    told = [(one, "; ".join(f"{what} {was} → {now}" for what, was, now in one.changes)) for one in found.relabelled]
    for changed in (told, [(one, f"{one.before} → {one.after}") for one in found.moved]):
        lines += [
            f"{one.frame_id[:12]}  {one.camera}  {one.taken_at:%Y-%m-%d %H:%M:%S}  {how}"
            for one, how in changed[:_SHOWN]
        ]
    more = len(found.relabelled[_SHOWN:]) + len(found.moved[_SHOWN:])
    return "\n".join([*lines, *([f"… and {more} more; --json has all of them."] if more else [])])


def _findings(report: "CheckReport") -> RenderableType:
    if not report.findings:
        return f"Nothing was found in version {report.dataset_id[:12]}."
    styles = {"failure": "bold red", "warning": "yellow"}
    lines = []
    for finding in report.findings:
        told = ", ".join(frame_id[:12] for frame_id in finding.frame_ids[:3])
        frames = f" Frames: {told}{' …' if len(finding.frame_ids) > 3 else ''}" if told else ""
        lines.append(Text.assemble((finding.severity.value, styles[finding.severity]), f"  {finding.sentence}{frames}"))
    return Text("\n").join(lines)


def _pairs(report: "LeakReport") -> str:
    told = f"{report.pictures} pictures were compared: {report.outcome}"
    if report.held_out_frames:
        told += f", {report.held_out_frames} held-out frames show what {report.other_frames} earlier ones show"
    lines = [
        f"{leak.held_out.part} {_place(leak.held_out)} is like {leak.other.part} {_place(leak.other)}: {leak.kind}"
        + ("" if leak.hash_bits is None else f", {leak.hash_bits} bits and {leak.distance:.4f} apart")
        for leak in (*report.near_golden, *report.leaks)
    ]
    near = [
        f"{camera}: of {one.frames} test frames {one.by_hash} look like a training frame by hash, and "
        f"{one.by_embedding} by embedding."
        for camera, one in report.nearness.items()
    ]
    return "\n".join([f"{told}.", *lines, *near])


def _place(frame: "SeenFrame") -> str:
    return f"{frame.frame_id[:12]} ({frame.clip_name}, {frame.taken_at:%Y-%m-%d %H:%M:%S})"


def _counts(manifest: "Manifest", kind: str) -> dict[str, dict[Split, int]]:
    counted = manifest.counts(kind)
    return {name: {split: counted[name, split] for split in Split} for name in sorted({name for name, _ in counted})}


def _sizes(version: DatasetVersion) -> str:
    return ", ".join(f"{version.rows[split]} {split}" for split in Split)
