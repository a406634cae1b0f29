"""Footage: make a site and its cameras known, take stills from footage, look at the newest."""

from dataclasses import dataclass
from itertools import groupby

import gradio as gr
from markupsafe import Markup

from workbench.domain import Frame, Role
from workbench.errors import FootageError, NotFoundError
from workbench.ui.fragments import empty_state, facts, frame_grid, heading, loading, time_of
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site, site_names
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.sites import add_camera, add_site
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Footage"
_FRAMES_SHOWN = 8


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    gr.HTML(heading(TITLE, "Stills from the site's cameras; the same picture is kept once, however often it comes."))
    overview = gr.HTML(loading())
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
    gallery = gr.HTML()
    desk = _Desk(workspace, jobs)
    stills = View(workspace, desk.look_at_stills, [overview, gallery])
    everything = View(workspace, desk.look, [*stills.outputs, camera, *jobs.outputs])
    footage = [site, camera, source, upload, every_s, duration_s]
    when_clicked(take, desk.ingest, footage, clears=[source, upload], then=jobs.view, site=site)
    when_clicked(new_camera, desk.add_camera, [site, camera_name], clears=[camera_name], then=everything, site=site)
    new = [site_name, classes]
    when_clicked(new_site, desk.add_site, new, clears=[site, *new], then=everything, site=site)
    jobs.when_ended(stills)
    return everything


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[object, ...]:
        names = [camera.name for camera in self.workspace.store.sites.cameras(site)] if site else []
        return (
            *self.look_at_stills(site),
            gr.Dropdown(choices=names, value=next(iter(names), None)),
            *self.jobs.look(site),
        )

    def look_at_stills(self, site: str | None) -> tuple[Markup, Markup]:
        frames = self.workspace.store.footage.frames(site) if site else []
        return _overview(self.workspace, site, frames), _newest_by_camera(frames)

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
        stream = ["--duration", f"{duration_s:g}s"] if "://" in footage else []
        options = ["--camera", camera, "--every", f"{every_s:g}s", *stream, "--", footage]
        self.jobs.start("ingest", *options, site=site, user=user)
        return "", None


def _overview(workspace: Workspace, site: str | None, frames: list[Frame]) -> Markup:
    if not site:
        return empty_state("No site yet", "Add one below: its name, and the classes that its stills belong to.")
    cameras = workspace.store.sites.cameras(site)
    if not cameras:
        return empty_state("No camera yet", "Add one below, then take stills from its footage.")
    if not frames:
        return empty_state("No stills yet", "Name a video, a folder or a stream below and take stills from it.")
    clips = workspace.store.footage.clips(site)
    footage_min = sum(clip.duration_s for clip in clips) / 60
    return facts(
        {
            "cameras": len(cameras),
            "clips": len(clips),
            "minutes of footage": f"{footage_min:.1f}",
            "stills": len(frames),
            "newest still (UTC)": time_of(frames[-1].taken_at),
        }
    )


def _newest_by_camera(frames: list[Frame]) -> Markup:
    by_camera = groupby(
        sorted(frames, key=lambda frame: (frame.camera, frame.taken_at)), key=lambda frame: frame.camera
    )
    parts = []
    for camera, taken in by_camera:
        newest = list(taken)[: -_FRAMES_SHOWN - 1 : -1]
        title = Markup("<h4>{} <span>newest {}</span></h4>").format(camera, len(newest))
        parts.append(title + frame_grid((frame, f"{frame.taken_at:%m-%d %H:%M:%S}") for frame in newest))
    return Markup("").join(parts)
