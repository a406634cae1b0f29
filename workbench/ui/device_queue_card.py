"""The queue: which jobs have a device, which wait for one, in what order; and moving and cancelling them."""

from dataclasses import dataclass
from datetime import timedelta

import gradio as gr
from markupsafe import Markup

from workbench.domain import JobState, Role, utc_now
from workbench.errors import NotFoundError
from workbench.ui.fragments import badge, empty_state, note, span_of, table
from workbench.ui.session import one_sentence_errors, require
from workbench.ui.view import View, card, when_clicked
from workbench.wording import counted
from workbench.workflows.job_slots import TAKES_A_DEVICE, devices
from workbench.workflows.jobs import JobStanding, cancel_job, job_standings, move_job
from workbench.workflows.workspace import Workspace

__all__ = ["DeviceQueueCard"]

_POLL_S = 5.0
_COLUMNS = ("place", "job", "what", "site", "state", "started by", "for", "priority", "device")
_WORDS = {"tune": "tuning", "tune-preflight": "preflight", "evaluate": "measuring"}


class DeviceQueueCard:
    """To be placed once; ``view`` is what it shows, of all sites, as they share the devices."""

    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        with card("Queue", Role.ENGINEER):
            shown = gr.HTML()
            with gr.Column(visible=False) as controls:
                with gr.Row():
                    job = gr.Dropdown(label="Job", choices=[], interactive=True)
                    priority = gr.Number(label="New priority (the highest is started first)", value=0, precision=0)
                with gr.Row():
                    move = gr.Button("Move")
                    stop = gr.Button("Cancel the job")
            timer = gr.Timer(_POLL_S, active=False)
        desk = _Desk(workspace)
        self.view = View(workspace, desk.look, [shown, controls, job, timer])
        polled = View(workspace, desk.look_again, [shown, timer])
        polled.show_on(timer.tick, site, name="look_device_queue")
        when_clicked(move, desk.move_job, [job, priority], then=self.view, site=site)
        when_clicked(stop, desk.stop_job, [job], then=self.view, site=site)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    def look(self, site: str | None) -> tuple[object, ...]:
        jobs = self._open_jobs()
        choices = [
            (f"{one.job.id} · {_WORDS.get(one.job.kind, one.job.kind)} · {one.job.site}", one.job.id) for one in jobs
        ]
        picked = gr.Dropdown(choices=choices, value=choices[-1][1] if choices else None)
        return self._shown(jobs), gr.Column(visible=bool(jobs)), picked, gr.Timer(active=bool(jobs))

    def look_again(self, site: str | None) -> tuple[object, ...]:
        jobs = self._open_jobs()
        return self._shown(jobs), gr.Timer(active=bool(jobs))

    @one_sentence_errors
    def move_job(self, job_id: int | None, priority: float | None, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        move_job(self.workspace, _required(job_id), priority=int(priority or 0), actor=user.name)

    @one_sentence_errors
    def stop_job(self, job_id: int | None, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        cancel_job(self.workspace, _required(job_id), actor=user.name)

    def _open_jobs(self) -> list[JobStanding]:
        """Return the jobs that have a device, and then those that wait for one in their order."""
        found = [one for one in job_standings(self.workspace) if one.job.is_open and one.job.kind in TAKES_A_DEVICE]
        return sorted(found, key=lambda one: (one.place or 0, one.job.id))

    def _shown(self, jobs: list[JobStanding]) -> Markup:
        names = devices(self.workspace.settings)
        each = "each " if len(names) > 1 else ""
        told = f"{counted(len(names), 'device')}, {each}for one job at a time: {', '.join(names)}."
        if not jobs:
            return empty_state("Nothing runs and nothing waits", told)
        return note(told) + table(_COLUMNS, map(_row, jobs), numeric=[0, 1, 7])


def _row(standing: JobStanding) -> tuple[object, ...]:
    job = standing.job
    state, tone = ("stalled", "bad") if standing.is_stalled else (job.state, "warn")
    return (
        standing.place or "–",
        job.id,
        _WORDS.get(job.kind, job.kind),
        job.site,
        badge(state, "quiet" if job.state is JobState.QUEUED else tone),
        job.started_by,
        span_of(max(timedelta(0), utc_now() - job.started_at)),
        job.priority,
        job.device or "–",
    )


def _required(job_id: int | None) -> int:
    if job_id is None:
        raise NotFoundError(expected="a job", found="none picked", remedy="pick one that waits or runs")
    return job_id
