"""Footage: the site's cameras and what they saw, taking stills from footage, and what of a view is hidden."""

from dataclasses import dataclass

import gradio as gr

from workbench.domain import Role, Taking
from workbench.errors import FootageError, NotFoundError
from workbench.footage.addresses import is_stream
from workbench.ui.camera_wall import camera_wall
from workbench.ui.fragments import heading, loading
from workbench.ui.frame_browser import frame_browser
from workbench.ui.job_panel import JobPanel
from workbench.ui.privacy_card import PrivacyCard
from workbench.ui.session import one_sentence_errors, require, require_site, site_names
from workbench.ui.view import View, all_of, card, when_clicked
from workbench.workflows.sites import add_camera, add_site
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Footage"
_TAKING = {
    "at even intervals": Taking.EVERY,
    "where the view changes": Taking.CHANGES,
    "keyframes alone (fastest)": Taking.KEYFRAMES,
}


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    gr.HTML(heading(TITLE, "Stills from the site's cameras; the same picture is kept once, however often it comes."))
    wall = gr.HTML(loading())
    with gr.Row(equal_height=False):
        with card("Take stills from footage"):
            camera = gr.Dropdown(label="Camera", choices=[], interactive=True)
            source = gr.Textbox(label="Video, folder or stream on the server", placeholder="/footage/dock-07.mp4")
            upload = gr.File(
                label="…or a video from this computer",
                file_types=["video", ".gif"],
                height=110,
                elem_classes="wb-upload",
            )
            taking = gr.Dropdown(label="Stills to take", choices=list(_TAKING), interactive=True)
            distinct = gr.Checkbox(label="Leave out near-copies of stills already taken from the same recording")
            with gr.Row():
                every_s = gr.Number(label="Seconds between stills", value=1.0, minimum=0.04, step=0.5)
                duration_s = gr.Number(label="Seconds to record of a stream", value=60.0, minimum=1.0)
            take = gr.Button("Take stills", variant="primary")
            jobs = JobPanel(workspace, site, {"ingest": "Taking stills"})
        with card("Add a camera"):
            camera_name = gr.Textbox(label="Camera name", placeholder="dock-north", max_length=63)
            new_camera = gr.Button("Add camera")
            gr.HTML("<h3>Add a site</h3>")
            site_name = gr.Textbox(label="Site name", placeholder="harbour-depot", max_length=63)
            classes = gr.Textbox(label="Classes that its stills belong to", placeholder="clear, person, forklift")
            new_site = gr.Button("Add site")
    with gr.Row(equal_height=False):
        privacy = PrivacyCard(workspace, site)
    gr.HTML("<h3>All stills</h3>")
    browser = frame_browser(workspace, site)
    desk = _Desk(workspace, jobs)
    cameras = View(workspace, lambda site: camera_wall(workspace, site), [wall])
    stills = all_of(workspace, [cameras, browser])
    form = View(workspace, desk.look, [camera, *jobs.outputs])
    everything = all_of(workspace, [stills, form, privacy.view])
    footage = [site, camera, source, upload, taking, distinct, every_s, duration_s]
    when_clicked(take, desk.ingest, footage, clears=[source, upload], then=jobs.view, site=site)
    when_clicked(new_camera, desk.add_camera, [site, camera_name], clears=[camera_name], then=everything, site=site)
    new = [site_name, classes]
    when_clicked(new_site, desk.add_site, new, clears=[site, *new], then=everything, site=site)
    jobs.when_ended(stills)
    privacy.jobs.when_ended(everything)
    return everything


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[object, ...]:
        names = [camera.name for camera in self.workspace.store.sites.cameras(site)] if site else []
        return gr.Dropdown(choices=names, value=next(iter(names), None)), *self.jobs.look(site)

    @one_sentence_errors
    def add_site(self, name: str, classes: str, request: gr.Request) -> tuple[gr.Dropdown, str, str]:
        user = require(self.workspace, request, Role.ENGINEER)
        site = add_site(
            self.workspace,
            name.strip(),
            [part.strip() for part in classes.split(",") if part.strip()],
            actor=user.name,
        )
        return gr.Dropdown(choices=site_names(self.workspace), value=site.name), "", ""

    @one_sentence_errors
    def add_camera(self, site: str | None, name: str, request: gr.Request) -> str:
        user = require(self.workspace, request, Role.ENGINEER)
        add_camera(self.workspace, require_site(site), name.strip(), actor=user.name)
        return ""

    @one_sentence_errors
    def ingest(
        self,
        site: str | None,
        camera: str | None,
        source: str,
        upload: str | None,
        taking: str,
        distinct: bool,
        every_s: float,
        duration_s: float,
        request: gr.Request,
    ) -> tuple[str, None]:
        user = require(self.workspace, request, Role.ENGINEER)
        site = require_site(site)
        footage = source.strip() or upload
        if not camera:
            raise NotFoundError(expected="a camera", found="none picked", remedy="add the camera on the right first")
        if not footage:
            raise FootageError(
                expected="a path, an address or an uploaded video", found="none", remedy="fill in one of the two fields"
            )
        if is_stream(footage):
            chosen = ["--duration", f"{duration_s:g}s"]
        else:
            chosen = [f"--take={_TAKING[taking]}", *(["--distinct"] if distinct else [])]
        options = ["--camera", camera, "--every", f"{every_s:g}s", *chosen, "--", footage]
        self.jobs.start("ingest", *options, site=site, user=user)
        return "", None
