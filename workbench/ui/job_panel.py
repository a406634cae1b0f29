"""Long work as the page shows it: started in a process of its own, followed through the database.

Nothing of a job lives in the page: after a reload, a closed browser or a restart of the app the panel finds the job
again. It polls only while something runs.
"""

import sys
from collections.abc import Callable, Mapping

import gradio as gr
from markupsafe import Markup

from workbench.domain import Job, JobState, Role, User, utc_now
from workbench.errors import NotFoundError
from workbench.ui.fragments import badge, span_of
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View
from workbench.workflows.jobs import cancel_job, job_log_tail, refresh_jobs, start_job
from workbench.workflows.workspace import Workspace

__all__ = ["JobPanel"]

_POLL_S = 2.0
_TONES = {JobState.RUNNING: "warn", JobState.DONE: "good", JobState.FAILED: "bad", JobState.CANCELLED: "quiet"}


class JobPanel:
    """Shows the newest of some jobs of the picked site, with a button that cancels it.

    ``titles`` says what the page calls each kind of job; a kind is the words of its command, joined by ``-``. What
    ``more`` tells about a running job stands above its log; ``can_cancel`` is False where the page has its own way to
    end them.
    """

    def __init__(
        self,
        workspace: Workspace,
        site: gr.Dropdown,
        titles: Mapping[str, str],
        *,
        more: Callable[[Job], Markup] = lambda job: Markup(""),
        can_cancel: bool = True,
    ) -> None:
        self._workspace, self._site, self._titles, self._more = workspace, site, titles, more
        self._can_cancel = can_cancel
        status = gr.HTML(elem_classes="wb-job")
        cancel = gr.Button("Cancel", visible=False, size="sm", elem_classes=f"wb-for-{Role.ENGINEER}")
        timer = gr.Timer(_POLL_S, active=False)
        self._ended = gr.State(None)
        self.outputs = [status, cancel, timer, self._ended]
        self.view = View(workspace, self.look, self.outputs)
        name = next(iter(titles)).replace("-", "_")
        self.view.show_on(timer.tick, site, name=f"look_{name}")
        cancel.click(self.cancel, site, self.outputs, show_progress="hidden", api_name=f"cancel_{name}")

    def when_ended(self, view: View) -> None:
        """Show ``view`` anew each time a job has come to its end."""
        view.show_on(self._ended.change, self._site)

    def start(self, kind: str, *options: str, site: str, user: User) -> Job:
        """Start the command of ``kind`` on ``site`` with ``options`` for ``user``."""
        command = [sys.executable, "-m", "workbench", *kind.split("-"), "--site", site, *options]
        return start_job(self._workspace, kind, command, site=site, actor=user.name)

    def look(self, site: str | None) -> tuple[Markup, gr.Button, gr.Timer, int | None]:
        job = self._newest(site)
        if job is None:
            return Markup(""), gr.Button(visible=False), gr.Timer(active=False), None
        running = job.state is JobState.RUNNING
        cancel = gr.Button(visible=running and self._can_cancel)
        return self._status(job), cancel, gr.Timer(active=running), None if running else job.id

    @one_sentence_errors
    def cancel(self, site: str | None, request: gr.Request) -> tuple[Markup, gr.Button, gr.Timer, int | None]:
        user = require(self._workspace, request, Role.ENGINEER)
        job = self._newest(require_site(site))
        if job is None or job.state is not JobState.RUNNING:
            raise NotFoundError(
                expected="a running job to cancel", found="none", remedy="reload the page to see how it ended"
            )
        cancel_job(self._workspace, job.id, actor=user.name)
        return self.look(site)

    def _newest(self, site: str | None) -> Job | None:
        if not site:
            return None
        return next((job for job in refresh_jobs(self._workspace, site) if job.kind in self._titles), None)

    def _status(self, job: Job) -> Markup:
        took = span_of((job.ended_at or utc_now()) - job.started_at)
        more = self._more(job) if job.state is JobState.RUNNING else ""
        return Markup(
            '<div class="wb-job-line"><b>{}</b> {} <span>started by {} · {}</span></div>{}<pre class="wb-log">{}</pre>'
        ).format(
            self._titles[job.kind],
            badge(job.state, _TONES[job.state]),
            job.started_by,
            took,
            more,
            job_log_tail(job).strip(),
        )
