"""The golden set: which stills decide on promotion, and a reviewer's choice of new ones."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.datasets import text_to_manifest
from workbench.datasets.leak_report import evenly_chosen
from workbench.domain import GoldenSet, Role
from workbench.ui.dataset_build_card import clip_choices
from workbench.ui.fragments import empty_state, facts, frame_grid, note, short_id, table, time_of
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.build import dataset_of
from workbench.workflows.freeze_golden import freeze_golden
from workbench.workflows.workspace import Workspace

__all__ = ["GoldenCard"]

_EXPLAINED = (
    "Stills that decide whether a model goes into force. They are never trained on, nor is anything that shows the "
    "same, and nobody can change them afterwards."
)
_EXAMPLES = 8


class GoldenCard:
    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        self._desk, self._site = _Desk(workspace), site
        with card("Freeze a golden set", Role.REVIEWER):
            gr.HTML(note(_EXPLAINED))
            self._clips = gr.Dropdown(
                label="Clips whose labelled stills are frozen",
                choices=[],
                multiselect=True,
                interactive=True,
                info="None: the test stills of the newest dataset version.",
            )
            self._note = gr.Textbox(label="Note on why these", max_length=2000)
            self._freeze = gr.Button("Freeze as golden set")
        self.view = View(workspace, self._desk.look_at_clips, [self._clips])

    def show(self) -> View:
        """Lay out the golden set in force, for everybody."""
        return View(self._desk.workspace, self._desk.look, [gr.HTML()])

    def connect(self, then: View) -> None:
        """Show ``then`` anew after a golden set was frozen."""
        inputs = [self._site, self._clips, self._note]
        when_clicked(self._freeze, self._desk.freeze_golden, inputs, clears=[self._note], then=then, site=self._site)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    def look_at_clips(self, site: str | None) -> tuple[Any, ...]:
        return (gr.Dropdown(choices=clip_choices(self.workspace, site), value=[]),)

    def look(self, site: str | None) -> tuple[Markup]:
        """Show the golden set in force, and name the earlier ones."""
        sets = self.workspace.store.golden_sets.all(site) if site else []
        if not sets:
            return (empty_state("No golden set yet", "A reviewer freezes one."),)
        return (self._shown(sets[-1]) + _earlier(sets[:-1]),)

    @one_sentence_errors
    def freeze_golden(self, site: str | None, clips: list[str] | None, remark: str, request: gr.Request) -> str:
        user = require(self.workspace, request, Role.REVIEWER)
        site = require_site(site)
        version = None if clips else dataset_of(self.workspace, site, None)
        frozen = freeze_golden(self.workspace, site=site, actor=user, version=version, clips=clips or (), note=remark)
        told = f"{frozen.golden.frames} stills; the next version leaves them, and what is near them, out of training."
        gr.Info(f"{told} {frozen.warning}", title="Frozen")
        return ""

    def _shown(self, golden: GoldenSet) -> Markup:
        manifest = text_to_manifest(self.workspace.store.golden_sets.manifest(golden))
        known = self.workspace.store.footage.known(golden.site, [row.frame_id for row in manifest.rows])
        gone = len(manifest.rows) - len(known)
        classes = Counter(row.class_name for row in manifest.rows)
        cameras = Counter(row.camera for row in manifest.rows)
        chosen = [row for row in manifest.rows if row.frame_id in known]
        told = Markup('<p class="wb-line">{} frozen by <b>{}</b> on {}{}</p>').format(
            short_id(golden.id),
            golden.frozen_by,
            time_of(golden.frozen_at),
            Markup(": “{}”").format(golden.note) if golden.note else "",
        )
        lost = note(f"{gone} of its stills were covered since: freeze a new one.", tone="bad") if gone else Markup("")
        rows = [(name, count) for names in (classes, cameras) for name, count in sorted(names.items())]
        return (
            told
            + lost
            + facts({"stills": f"{golden.frames:,}", "classes": len(classes), "cameras": len(cameras)})
            + frame_grid((row.frame_id, row.class_name) for row in evenly_chosen(chosen, _EXAMPLES))
            + Markup("<details><summary>By class and camera</summary>{}</details>").format(
                table(("class or camera", "stills"), rows, numeric=(1,))
            )
        )


def _earlier(sets: list[GoldenSet]) -> Markup:
    if not sets:
        return Markup("")
    rows = [
        (short_id(one.id), time_of(one.frozen_at), one.frozen_by, f"{one.frames:,}", one.note or "–")
        for one in reversed(sets)
    ]
    return Markup("<details><summary>Earlier golden sets, never trained on either: {}</summary>{}</details>").format(
        len(sets), table(("set", "frozen (UTC)", "by", "stills", "note"), rows, numeric=(3,))
    )
