"""``workbench dataset``."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table

from workbench.cli.console import JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import DatasetVersion, Split

if TYPE_CHECKING:
    from workbench.datasets import Manifest

app = typer.Typer(help="Datasets: frozen, leak-free sets of annotated frames.", no_args_is_help=True)


@app.command("build")
def build(site: SiteOption, as_json: JsonOption = False) -> None:
    """Freeze the site's annotations as a dataset version. The same annotations again add nothing."""
    from workbench.datasets import load_manifest
    from workbench.workflows.build import build_dataset

    with progress_bar() as progress:
        version = build_dataset(open_workspace(), site, actor=actor_name(), progress=progress)
    _show(version, load_manifest(version), as_json)


@app.command("list")
def list_versions(site: SiteOption, as_json: JsonOption = False) -> None:
    """List the site's dataset versions, oldest first."""
    store = open_workspace().store
    versions = store.datasets.all(store.sites.get(site).name)
    lines = [f"{version.id[:12]}  {version.created_at:%Y-%m-%d %H:%M} UTC  {_sizes(version)}" for version in versions]
    emit(versions, as_json, "\n".join(lines) or "No version yet: build one with `workbench dataset build`.")


@app.command("show")
def show(
    site: SiteOption,
    dataset_id: Annotated[
        str | None, typer.Argument(help="Id of a version, or how it begins; the latest if left out.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a dataset version holds, by split, class and camera."""
    from workbench.datasets import load_manifest
    from workbench.workflows.build import dataset_of

    version = dataset_of(open_workspace(), site, dataset_id)
    _show(version, load_manifest(version), as_json)


def _show(version: DatasetVersion, manifest: "Manifest", as_json: bool) -> None:
    summary = {
        "version": version,
        "class_names": manifest.class_names,
        "classes": _counts(manifest, "class_name"),
        "cameras": _counts(manifest, "camera"),
        "dropped": len(manifest.dropped),
        "gaps_s": manifest.gaps_s,
        "problems": manifest.problems,
    }
    table = Table(title=f"Dataset version {version.id[:12]} of site {version.site}")
    for column in ("", *Split, "all"):
        table.add_column(column, justify="left" if not column else "right")
    for kind in ("class_name", "camera"):
        for name, counts in _counts(manifest, kind).items():
            table.add_row(name, *(str(counts[split]) for split in Split), str(sum(counts.values())))
        table.add_section()
    table.add_row("frames", *(str(version.rows[split]) for split in Split), str(len(manifest.rows)))
    notes = [f"{len(manifest.dropped)} frames lay too near to another split and were left out.", *manifest.problems]
    emit(summary, as_json, Group(table, *notes))


def _counts(manifest: "Manifest", kind: str) -> dict[str, dict[Split, int]]:
    counted = Counter((str(getattr(row, kind)), row.split) for row in manifest.rows)
    return {name: {split: counted[name, split] for split in Split} for name in sorted({name for name, _ in counted})}


def _sizes(version: DatasetVersion) -> str:
    return ", ".join(f"{version.rows[split]} {split}" for split in Split)
