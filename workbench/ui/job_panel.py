"""Long work as the page shows it: started in a process of its own, followed through the database.

Nothing of a job lives in the page: after a reload, a closed browser or a restart of the app the panel finds the job
again. It polls only while something runs.
"""

import sys
from collections.abc import Callable, Mapping
from datetime import timedelta

import gradio as gr
from markupsafe import Markup

from workbench.domain import Job, JobState, Role, User, utc_now
from workbench.errors import NotFoundError
from workbench.ui.fragments import badge, span_of
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View
from workbench.workflows.jobs import JobStanding, cancel_job, job_log_tail, job_standing, refresh_jobs, start_job
from workbench.workflows.workspace import Workspace

__all__ = ["JobPanel"]

_POLL_S = 2.0
_TONES = {
    JobState.QUEUED: "quiet",
    JobState.RUNNING: "warn",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
    JobState.CANCELLED: "quiet",
}


class JobPanel:
    """Shows the newest of some jobs of the picked site, with a button that cancels it.

    ``titles`` says what the page calls each kind of job; a kind is the words of its command, joined by ``-``. What
    ``more`` tells about a job that was started stands below its log, which ``log`` reads; ``can_cancel`` is False where
    the page has its own way to end them.
    """

    def __init__(
        self,
        workspace: Workspace,
        site: gr.Dropdown,
        titles: Mapping[str, str],
        *,
        more: Callable[[Job], Markup] = lambda job: Markup(""),
        log: Callable[[Job], str] = job_log_tail,
        can_cancel: bool = True,
    ) -> None:
        self._workspace, self._site, self._titles, self._more = workspace, site, titles, more
        self._log, self._can_cancel = log, can_cancel
        status = gr.HTML(elem_classes="wb-job")
        cancel = gr.Button("Cancel", visible=False, size="sm", elem_classes=f"wb-for-{Role.ENGINEER}")
        told = gr.HTML()
        timer = gr.Timer(_POLL_S, active=False)
        self._ended = gr.State(None)
        self.outputs = [status, cancel, told, timer, self._ended]
        self.view = View(workspace, self.look, self.outputs)
        name = next(iter(titles)).replace("-", "_")
        View(workspace, self.look_again, self.outputs).show_on(timer.tick, site, name=f"look_{name}")
        cancel.click(self.cancel, site, self.outputs, show_progress="hidden", api_name=f"cancel_{name}")

    def when_ended(self, view: View) -> None:
        """Show ``view`` anew each time a job has come to its end."""
        view.show_on(self._ended.change, self._site)

    def start(self, kind: str, *options: str, site: str, user: User) -> Job:
        """Start the command of ``kind`` on ``site`` with ``options`` for ``user``."""
        command = [sys.executable, "-m", "workbench", *kind.split("-"), "--site", site, *options]
        return start_job(self._workspace, kind, command, site=site, actor=user.name)

    def look(self, site: str | None) -> tuple[Markup, gr.Button, Markup, gr.Timer, int | None]:
        job = self.newest(site)
        if job is None:
            return Markup(""), gr.Button(visible=False), Markup(""), gr.Timer(active=False), None
        cancel = gr.Button(visible=job.is_open and self._can_cancel)
        more = Markup("") if job.state is JobState.QUEUED else self._more(job)
        return self._status(job), cancel, more, gr.Timer(active=job.is_open), None if job.is_open else job.id

    def look_again(self, site: str | None) -> tuple[object, ...]:
        """Return what an open job has new to tell: a browser computes long for each part that it is given again."""
        status, cancel, more, timer, ended = self.look(site)
        return (status, gr.skip(), more, gr.skip(), gr.skip()) if timer.active else (status, cancel, more, timer, ended)

    def newest(self, site: str | None) -> Job | None:
        """Return the newest job of the panel's kinds at ``site``; those that wait hide none that runs."""
        if not site:
            return None
        jobs = [job for job in refresh_jobs(self._workspace, site) if job.kind in self._titles]
        newest = next(iter(jobs), None)
        if newest is None or newest.state is not JobState.QUEUED:
            return newest
        return next((job for job in jobs if job.state is JobState.RUNNING), newest)

    @one_sentence_errors
    def cancel(self, site: str | None, request: gr.Request) -> tuple[Markup, gr.Button, Markup, gr.Timer, int | None]:
        user = require(self._workspace, request, Role.ENGINEER)
        job = self.newest(require_site(site))
        if job is None or not job.is_open:
            raise NotFoundError(
                expected="a job to cancel that waits or runs",
                found="none",
                remedy="reload the page to see how it ended",
            )
        cancel_job(self._workspace, job.id, actor=user.name)
        return self.look(site)

    def _status(self, job: Job) -> Markup:
        standing = job_standing(self._workspace, job)
        tone = "bad" if standing.is_stalled else _TONES[job.state]
        line = Markup('<div class="wb-job-line"><b>{}</b> {} <span>{}</span></div>').format(
            self._titles[job.kind], badge(_word(standing), tone), _about(standing)
        )
        return line + Markup('<pre class="wb-log">{}</pre>').format(self._log(job).strip())


def _word(standing: JobStanding) -> str:
    return "stalled" if standing.is_stalled else standing.job.state


def _about(standing: JobStanding) -> str:
    job = standing.job
    told = [f"job {job.id}", f"started by {job.started_by}", span_of((job.ended_at or utc_now()) - job.started_at)]
    if standing.place is not None:
        told.append(f"place {standing.place} in the queue")
    if standing.is_stalled:
        told.append(f"no sign of life for {span_of(timedelta(seconds=standing.silent_s or 0))}")
    return " · ".join([*told, *([f"on {job.device}"] if job.device else []), *([job.reason] if job.reason else [])])
