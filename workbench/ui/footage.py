"""Footage: the site's cameras and what they saw, taking stills from footage, and what of a view is hidden."""

from dataclasses import dataclass

import gradio as gr

from workbench.domain import Role, Taking
from workbench.errors import FootageError, NotFoundError
from workbench.footage.addresses import is_stream
from workbench.ui.camera_card import CameraCard
from workbench.ui.camera_wall import camera_wall
from workbench.ui.fragments import heading
from workbench.ui.frame_browser import frame_browser
from workbench.ui.job_panel import JobPanel
from workbench.ui.privacy_card import PrivacyCard
from workbench.ui.sampling_reports import sampling_reports
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.stream_card import StreamCard
from workbench.ui.view import View, all_of, card, when_clicked
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
    wall = camera_wall(workspace, site)
    with gr.Row(equal_height=False):
        with card("Take stills from footage", Role.ENGINEER):
            camera = gr.Dropdown(label="Camera", choices=[], interactive=True)
            source = gr.Textbox(label="Video or folder on the server", placeholder="/footage/dock-07.mp4")
            upload = gr.File(
                label="…or a video from this computer",
                file_types=["video", ".gif"],
                height=110,
                elem_classes="wb-upload",
            )
            taking = gr.Dropdown(label="Stills to take", choices=list(_TAKING), interactive=True)
            distinct = gr.Checkbox(label="Leave out near-copies of stills already taken of this camera")
            with gr.Row():
                every_s = gr.Number(label="Seconds between stills", value=1.0, minimum=0.04, step=0.5)
                at_most = gr.Number(label="At most (0: all)", value=0, minimum=0, precision=0)
            take = gr.Button("Take stills", variant="primary")
            jobs = JobPanel(workspace, site, {"ingest": "Taking stills"})
        streams = StreamCard(workspace, site)
        cameras = CameraCard(workspace, site)
    gr.HTML("<h3>What came of it</h3>")
    reports = View(workspace, lambda site: sampling_reports(workspace, site), [gr.HTML()])
    with gr.Row(equal_height=False):
        privacy = PrivacyCard(workspace, site)
    gr.HTML("<h3>All stills</h3>")
    browser = frame_browser(workspace, site)
    desk = _Desk(workspace, jobs)
    stills = all_of(workspace, [wall, reports, browser])
    form = View(workspace, desk.look, [camera, *jobs.outputs])
    everything = all_of(workspace, [stills, form, streams.view, privacy.view])
    footage = [site, camera, source, upload, taking, distinct, every_s, at_most]
    when_clicked(take, desk.ingest, footage, clears=[source, upload], then=jobs.view, site=site)
    streams.connect(all_of(workspace, [wall, streams.jobs.view]), site)
    cameras.connect(everything)
    for ended, view in ((jobs, stills), (streams.jobs, stills), (privacy.jobs, everything)):
        ended.when_ended(view)
    return everything


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[object, ...]:
        names = [camera.name for camera in self.workspace.store.sites.cameras(site)] if site else []
        return gr.Dropdown(choices=names, value=next(iter(names), None)), *self.jobs.look(site)

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
        at_most: int,
        request: gr.Request,
    ) -> tuple[str, None]:
        user = require(self.workspace, request, Role.ENGINEER)
        site = require_site(site)
        footage = source.strip() or upload
        if not camera:
            raise NotFoundError(expected="a camera", found="none picked", remedy="add it under Add a camera first")
        if not footage:
            raise FootageError(
                expected="a path or an uploaded video", found="none", remedy="fill in one of the two fields"
            )
        if is_stream(footage):
            raise FootageError(
                expected="a video or a folder",
                found="the address of a stream",
                remedy="give it to the camera under Add a camera, where its password is kept secret, and record that",
            )
        chosen = [f"--take={_TAKING[taking]}", *(["--distinct"] if distinct else [])]
        limit = [f"--at-most={at_most}"] if at_most else []
        options = ["--camera", camera, "--every", f"{every_s:g}s", *chosen, *limit, "--", footage]
        self.jobs.start("ingest", *options, site=site, user=user)
        return "", None
