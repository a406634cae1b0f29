"""Record a camera's stream, for hours or until it is stopped."""

from dataclasses import dataclass

import gradio as gr

from workbench.domain import Job, JobState, Role, Taking
from workbench.errors import NotFoundError
from workbench.ui.fragments import note
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.jobs import cancel_job, refresh_jobs
from workbench.workflows.workspace import Workspace

__all__ = ["StreamCard", "is_recording"]

_KIND = "camera-record"
_TAKING = {
    "at even intervals": Taking.EVERY,
    "where the view changes": Taking.CHANGES,
    "keyframes alone (fastest)": Taking.KEYFRAMES,
}
_EXPLAINED = "What comes is kept every ten seconds, so a recording may be stopped at any time, also by a fault."


def is_recording(job: Job) -> bool:
    """Tell whether ``job`` records a camera now; its name is the last word of the job's command."""
    return job.kind == _KIND and job.state is JobState.RUNNING


class StreamCard:
    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        with card("Record a camera's stream", Role.ENGINEER):
            gr.HTML(note(_EXPLAINED))
            camera = gr.Dropdown(label="Stream of", choices=[], interactive=True)
            taking = gr.Dropdown(label="Stills to take of it", choices=list(_TAKING), interactive=True)
            distinct = gr.Checkbox(label="Leave out near-copies of stills already taken of this camera")
            with gr.Row():
                every_s = gr.Number(label="Seconds between looks", value=1.0, minimum=0.04, step=0.5)
                minutes = gr.Number(label="Minutes (0: no end)", value=0, minimum=0)
            with gr.Row():
                record = gr.Button("Record", variant="primary")
                stop = gr.Button("Stop recording")
            self.jobs = JobPanel(workspace, site, {_KIND: "Recording"}, can_cancel=False)
        desk = _Desk(workspace, self.jobs)
        self.view = View(workspace, desk.look, [camera, *self.jobs.outputs])
        asked = [site, camera, taking, distinct, every_s, minutes]
        self.started = (record, desk.record, asked)
        self.stopped = (stop, desk.stop, [site, camera])

    def connect(self, then: View, site: gr.Dropdown) -> None:
        """Show ``then`` anew after a recording was started or stopped."""
        for button, do, inputs in (self.started, self.stopped):
            when_clicked(button, do, inputs, then=then, site=site)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[object, ...]:
        names = list(self.workspace.store.streams.addresses(site)) if site else []
        return gr.Dropdown(choices=names, value=next(iter(names), None)), *self.jobs.look(site)

    @one_sentence_errors
    def record(
        self,
        site: str | None,
        camera: str | None,
        taking: str,
        distinct: bool,
        every_s: float,
        minutes: float,
        request: gr.Request,
    ) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        site, camera = require_site(site), _require_camera(camera)
        chosen = [f"--take={_TAKING[taking]}", *(["--distinct"] if distinct else [])]
        limit = [f"--duration={60 * minutes:g}s"] if minutes else []
        self.jobs.start(_KIND, f"--every={every_s:g}s", *chosen, *limit, "--", camera, site=site, user=user)

    @one_sentence_errors
    def stop(self, site: str | None, camera: str | None, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        site, camera = require_site(site), _require_camera(camera)
        running = [job for job in refresh_jobs(self.workspace, site) if is_recording(job) and job.argv[-1] == camera]
        if not running:
            raise NotFoundError(
                expected=f"a recording of {camera} that was started here",
                found="none",
                remedy="pick the camera that is recorded, or stop the recording where it was started",
            )
        for job in running:
            cancel_job(self.workspace, job.id, actor=user.name)


def _require_camera(camera: str | None) -> str:
    if not camera:
        raise NotFoundError(
            expected="a camera with the address of its stream",
            found="none picked",
            remedy="give a camera its address under Add a camera",
        )
    return camera
