"""What changed from one dataset version to another."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.datasets import ManifestRow, load_manifest
from workbench.datasets.difference import DatasetDiff, Moved, Relabelled, difference
from workbench.domain import DatasetVersion
from workbench.ui.fragments import empty_state, facts, frame_link, note, short_id, table, time_of
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View
from workbench.workflows.build import dataset_of
from workbench.workflows.workspace import Workspace

__all__ = ["DatasetDiffCard", "version_choices"]

_SHOWN = 8


class DatasetDiffCard:
    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        gr.HTML("<h3>What changed between two versions</h3>")
        with gr.Row():
            before = gr.Dropdown(label="From", choices=[], interactive=True)
            after = gr.Dropdown(label="To", choices=[], interactive=True)
        changes = gr.HTML()
        desk = _Desk(workspace)
        self.view = View(workspace, desk.look, [before, after, changes])
        for picked in (before, after):
            picked.input(
                desk.show_changes,
                [site, before, after],
                changes,
                show_progress="hidden",
                api_name="look_dataset_changes",
                api_visibility="undocumented",
            )


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    def look(self, site: str | None) -> tuple[Any, ...]:
        versions = self.workspace.store.datasets.all(site)[::-1] if site else []
        choices = version_choices(versions)
        before, after = (versions[1].id, versions[0].id) if len(versions) > 1 else (None, None)
        return (
            gr.Dropdown(choices=choices, value=before, visible=before is not None),
            gr.Dropdown(choices=choices, value=after, visible=before is not None),
            self._changes(site, before, after),
        )

    @one_sentence_errors
    def show_changes(self, site: str | None, before: str | None, after: str | None, request: gr.Request) -> Markup:
        require(self.workspace, request)
        return self._changes(require_site(site), before, after)

    def _changes(self, site: str | None, before: str | None, after: str | None) -> Markup:
        if not site or not before or not after:
            return empty_state("Nothing to compare yet", "There have to be two versions.")
        manifests = [load_manifest(dataset_of(self.workspace, site, dataset_id)) for dataset_id in (before, after)]
        return _told(self.workspace, site, difference(*manifests))


def version_choices(versions: Sequence[DatasetVersion]) -> list[tuple[str, str]]:
    return [(f"{one.id[:12]} · {one.created_at:%Y-%m-%d %H:%M}", one.id) for one in versions]


def _told(workspace: Workspace, site: str, found: DatasetDiff) -> Markup:
    changed = {"added": found.added, "removed": found.removed}
    figures = {
        **{name: f"{len(rows):,}" for name, rows in changed.items()},
        "relabelled": f"{len(found.relabelled):,}",
        "moved to another part": f"{len(found.moved):,}",
        "as before": f"{found.unchanged:,}",
    }
    examples: list[ManifestRow | Relabelled | Moved] = [
        *found.added[:_SHOWN],
        *found.removed[:_SHOWN],
        *found.relabelled[:_SHOWN],
        *found.moved[:_SHOWN],
    ]
    known = workspace.store.footage.known(site, {one.frame_id for one in examples})
    tables = [
        _table("Relabelled", found.relabelled, _answers, ("was", "is now"), known),
        _table("Moved", found.moved, lambda one: (one.before, one.after), ("was in", "is now in"), known),
        *(_table(name.title(), rows, lambda row: (row.class_name, row.split), ("class", "part"), known)
          for name, rows in changed.items()),
    ]  # fmt: skip
    return facts(figures) + Markup("").join(tables)


def _table(
    title: str,
    changed: Sequence[Any],
    told: Callable[[Any], Sequence[object]],
    columns: tuple[str, str],
    known: Collection[str],
) -> Markup:
    """Return the first of what changed in one way; nothing where nothing did."""
    if not changed:
        return Markup("")
    rows = [
        (
            frame_link(one.frame_id, title.lower()) if one.frame_id in known else short_id(one.frame_id),
            one.camera,
            time_of(one.taken_at),
            *told(one),
        )
        for one in changed[:_SHOWN]
    ]
    more = note(f"The first {len(rows)} of {len(changed):,}.") if len(changed) > len(rows) else Markup("")
    shown = table(("still", "camera", "taken (UTC)", *columns), rows)
    return Markup('<h4>{}</h4><div class="wb-samples">{}</div>{}').format(title, shown, more)


def _answers(one: Relabelled) -> tuple[Markup, Markup]:
    """Return what changed in the answer, as it was and as it is."""
    line = Markup("<p>{}: {}</p>").format
    before = Markup("").join(line(change.what, change.before) for change in one.changes)
    return before, Markup("").join(line(change.what, change.after) for change in one.changes)
