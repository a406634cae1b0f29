"""Draw what of a camera's view nobody is to see, before a still of it leaves the site's store."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from workbench.domain import MaskStyle, Role
from workbench.errors import NotFoundError
from workbench.ui.fragments import note
from workbench.ui.job_panel import JobPanel
from workbench.ui.mask_editor import drawn_masks, mask_editor, shown_masks
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.workspace import Workspace

__all__ = ["PrivacyCard"]

_STYLES = {"black": MaskStyle.BLACK, "blurred beyond recognition": MaskStyle.BLUR}
_EXPLAINED = (
    "Click the corners of what must not be seen. It is covered in every still before it is stored, and in those that "
    "were taken already; what was covered cannot be had back."
)


class PrivacyCard:
    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        with card("Hide parts of a view", Role.ENGINEER):
            gr.HTML(note(_EXPLAINED))
            camera = gr.Dropdown(label="View of", choices=[], interactive=True)
            editor = mask_editor()
            with gr.Row():
                style = gr.Dropdown(label="Hidden areas are", choices=list(_STYLES), interactive=True)
                faces = gr.Checkbox(label="Blur the faces that can be found, too")
            hide = gr.Button("Hide these areas", variant="primary")
            self.jobs = JobPanel(workspace, site, {"camera-hide": "Hiding"})
        desk = _Desk(workspace, self.jobs)
        self.view = View(workspace, desk.look, [camera, editor, style, faces, *self.jobs.outputs])
        camera.input(
            desk.pick,
            [site, camera],
            [editor, style, faces],
            show_progress="hidden",
            api_name="look_hidden",
            api_visibility="undocumented",
        )
        when_clicked(hide, desk.hide, [site, camera, editor, style, faces], then=self.jobs.view, site=site)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[Any, ...]:
        names = [camera.name for camera in self.workspace.store.sites.cameras(site)] if site else []
        first = next(iter(names), None)
        return gr.Dropdown(choices=names, value=first), *self._rules(site, first), *self.jobs.look(site)

    @one_sentence_errors
    def pick(self, site: str | None, camera: str | None, request: gr.Request) -> tuple[Any, ...]:
        require(self.workspace, request)
        return self._rules(site, camera)

    def _rules(self, site: str | None, camera: str | None) -> tuple[Any, ...]:
        """Return the editor, style and faces as they are in force for a camera."""
        if not site or not camera:
            return shown_masks(None, ()), next(iter(_STYLES)), False
        known = self.workspace.store.sites.camera(site, camera)
        newest = self.workspace.store.footage.newest_per_camera(site, 1)[camera]
        in_force = known.masks[0].style if known.masks else MaskStyle.BLACK
        style = next(name for name, value in _STYLES.items() if value is in_force)
        return shown_masks(newest[0].id if newest else None, known.masks), style, known.hides_faces

    @one_sentence_errors
    def hide(
        self, site: str | None, camera: str | None, drawn: Any, style: str, faces: bool, request: gr.Request
    ) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        site = require_site(site)
        if not camera:
            raise NotFoundError(expected="a camera", found="none picked", remedy="add the camera first")
        masks = drawn_masks(drawn, _STYLES[style])
        areas = [f"--area={' '.join(f'{u:g},{v:g}' for u, v in mask.outline_uv)}" for mask in masks]
        hidden_faces = ["--faces"] if faces else []
        options = [*areas, f"--style={_STYLES[style]}", *hidden_faces, "--", camera]
        self.jobs.start("camera-hide", *options, site=site, user=user)
