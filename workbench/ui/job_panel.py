"""Long work as the page shows it: started in a process of its own, followed through the database.

Nothing of a job lives in the page: after a reload, a closed browser or a restart of the app the panel finds the job
again. It polls only while something runs.
"""

import sys
from collections.abc import Callable, Sequence

import gradio as gr
from gradio.components import Component
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
_WORDS = {
    JobState.RUNNING: "running",
    JobState.DONE: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
}


class JobPanel:
    """Shows the newest job of some ``kinds`` of the picked site, with a button that cancels it.

    Build it inside a Gradio layout; ``start`` is for the handlers of the tab that owns it. What ``more`` tells about a
    running job stands above its log.
    """

    def __init__(
        self,
        workspace: Workspace,
        site: gr.Dropdown,
        kinds: Sequence[str],
        *,
        more: Callable[[Job], Markup] = lambda job: Markup(""),
    ) -> None:
        self._workspace, self._site, self._kinds, self._more = workspace, site, frozenset(kinds), more
        self._status = gr.HTML(elem_classes="wb-job")
        self._cancel = gr.Button("Cancel", visible=False, size="sm")
        self._timer = gr.Timer(_POLL_S, active=False)
        self._ended = gr.State(None)
        self.outputs: list[Component] = [self._status, self._cancel, self._timer, self._ended]
        name = "_".join(sorted(self._kinds))
        self._timer.tick(
            self.look,
            site,
            self.outputs,
            show_progress="hidden",
            api_name=f"look_{name}",
            api_visibility="undocumented",
        )
        self._cancel.click(self.cancel, site, self.outputs, show_progress="hidden", api_name=f"cancel_{name}")

    @property
    def view(self) -> View:
        return View(self.look, self.outputs)

    def when_ended(self, view: View) -> None:
        """Show ``view`` anew each time a job has come to its end."""
        self._ended.change(
            view.refresh, self._site, list(view.outputs), show_progress="hidden", api_visibility="undocumented"
        )

    def start(self, kind: str, argv: Sequence[str], *, site: str, user: User) -> Job:
        """Start ``workbench <argv>`` for ``user``."""
        command = [sys.executable, "-m", "workbench", *argv]
        return start_job(self._workspace, kind, command, site=site, actor=user.name)

    @one_sentence_errors
    def look(self, site: str | None, request: gr.Request) -> tuple[str, gr.Button, gr.Timer, int | None]:
        require(self._workspace, request)
        job = self._newest(site)
        if job is None:
            return "", gr.Button(visible=False), gr.Timer(active=False), None
        running = job.state is JobState.RUNNING
        more = self._more(job) if running else Markup("")
        return _status(job, more), gr.Button(visible=running), gr.Timer(active=running), None if running else job.id

    @one_sentence_errors
    def cancel(self, site: str | None, request: gr.Request) -> tuple[str, gr.Button, gr.Timer, int | None]:
        user = require(self._workspace, request, Role.ENGINEER)
        job = self._newest(require_site(site))
        if job is None or job.state is not JobState.RUNNING:
            raise NotFoundError(
                expected="a running job to cancel", found="none", remedy="reload the page to see how it ended"
            )
        cancel_job(self._workspace, job.id, actor=user.name)
        return self.look(site, request)

    def _newest(self, site: str | None) -> Job | None:
        if not site:
            return None
        return next((job for job in refresh_jobs(self._workspace, site) if job.kind in self._kinds), None)


def _status(job: Job, more: Markup) -> Markup:
    took = span_of((job.ended_at or utc_now()) - job.started_at)
    return Markup(
        '<div class="wb-job-line"><b>{}</b> {} <span>started by {} · {}</span></div>{}<pre class="wb-log">{}</pre>'
    ).format(job.kind, badge(_WORDS[job.state], _TONES[job.state]), job.started_by, took, more, job_log_tail(job))
