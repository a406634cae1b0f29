"""What is asked next: the engineer's choice with a preview of it, and the tasks that wait for labellers."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from workbench.domain import LabelTask, QueuePlan, QueueRules, Role, Signal, User
from workbench.errors import UsageError
from workbench.store import FrameState
from workbench.ui.fragments import empty_state, facts, frame_link, note, page_link, time_of
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.wording import counted
from workbench.workflows.workspace import Workspace

__all__ = ["QueueCard", "own_queue_card"]

_JOBS = {"queue-plan": "Choosing what to ask next", "queue-ask": "Asking about chosen stills"}
_SIGNALS = {
    "the model is unsure": Signal.UNCERTAINTY,
    "the challenger says otherwise": Signal.DISAGREEMENT,
    "it looks new": Signal.DIVERSITY,
    "its camera has drifted": Signal.DRIFT,
}
_EXPLAINED = (
    "Chooses, of all stills that nobody was asked about, those whose answers are worth most, each with its reason. "
    "Stills that show the same are asked about once."
)
_SHOWN = 12
_WITHOUT_REASON = {"pushed": "Asked about in the order of time.", "found in Label Studio": "Made in Label Studio."}


class QueueCard:
    """To be placed once; ``view`` is what it shows."""

    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        with card("What to ask next", Role.ENGINEER):
            gr.HTML(note(_EXPLAINED))
            with gr.Row():
                size = gr.Number(label="Stills to ask about", value=QueueRules.size, minimum=1, precision=0)
                per_camera = gr.Number(label="Of one camera at most (0: any)", value=0, minimum=0, precision=0)
                look_at = gr.Number(
                    label="Stills for the model to look at", value=QueueRules.look_at, minimum=1, precision=0
                )
            by = gr.CheckboxGroup(
                label="A still is worth asking about where", choices=list(_SIGNALS), value=[*_SIGNALS]
            )
            search = gr.Textbox(label="Only what matches a text", placeholder="forklift near the door", max_length=200)
            with gr.Row():
                plan = gr.Button("Choose, and show me")
                ask = gr.Button("Choose and ask", variant="primary")
            self.jobs = JobPanel(workspace, site, _JOBS)
            shown = gr.HTML()
        desk = _Desk(workspace, self.jobs)
        self.view = View(workspace, desk.look, [shown, *self.jobs.outputs], personal=True)
        rules = [site, size, per_camera, look_at, by, search]
        when_clicked(plan, desk.plan_queue, rules, then=self.jobs.view, site=site)
        when_clicked(ask, desk.ask_next, rules, then=self.jobs.view, site=site)


def own_queue_card(workspace: Workspace) -> View:
    """Show labellers what waits for them, in the order in which Label Studio hands it out, and why."""
    with card("My queue", Role.LABELLER):
        shown = gr.HTML()

    def look(site: str | None, user: User) -> tuple[Markup]:
        return (_waiting(workspace, site) if site and Role.LABELLER in user.roles else Markup(""),)

    return View(workspace, look, [shown], personal=True)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None, user: User) -> tuple[object, ...]:
        may_see = site and Role.ENGINEER in user.roles
        newest = self.workspace.store.queue.newest(site) if site and may_see else None
        return _plan(self.workspace, newest) if newest else Markup(""), *self.jobs.look(site)

    @one_sentence_errors
    def plan_queue(
        self,
        site: str | None,
        size: float,
        per_camera: float,
        look_at: float,
        by: Sequence[str],
        search: str,
        request: gr.Request,
    ) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        self.jobs.start(
            "queue-plan", *_options(size, per_camera, look_at, by, search), site=require_site(site), user=user
        )

    @one_sentence_errors
    def ask_next(
        self,
        site: str | None,
        size: float,
        per_camera: float,
        look_at: float,
        by: Sequence[str],
        search: str,
        request: gr.Request,
    ) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        self.jobs.start(
            "queue-ask", *_options(size, per_camera, look_at, by, search), site=require_site(site), user=user
        )


def _options(size: float, per_camera: float, look_at: float, by: Sequence[str], search: str) -> list[str]:
    """Return the command's options, after a check that they can be used."""
    signals = [_SIGNALS[name] for name in by if name in _SIGNALS]
    if not signals and not search.strip():
        raise UsageError(
            expected="a reason to ask about a still", found="none chosen", remedy="choose one, or give a text to match"
        )
    quota = [f"--per-camera={per_camera:.0f}"] if per_camera else []
    matching = [f"--search={search.strip()}"] if search.strip() else []
    named = ",".join(signals or [Signal.DIVERSITY])
    return [f"--size={size:.0f}", f"--look-at={look_at:.0f}", f"--by={named}", *quota, *matching]


def _plan(workspace: Workspace, plan: QueuePlan) -> Markup:
    """Show the newest plan: what it chose, how it came by that, and which answers to look at again."""
    frames = workspace.store.footage.by_id(plan.site, [item.frame_id for item in plan.items])
    asked = workspace.store.footage.known(plan.site, frames) & workspace.store.labels.tasks(plan.site).keys()
    chosen = [(item.frame_id, item.camera, item.reason) for item in plan.items if item.frame_id in frames]
    state = f"asked about {len(asked)} of them since" if asked else "nobody was asked about them yet"
    told = Markup("<h4>{} chosen <span>{} UTC by {}, in {:.0f} s · {}</span></h4>").format(
        counted(len(plan.items), "still"), time_of(plan.made_at), plan.made_by, plan.seconds, state
    )
    figures = {
        "stills not asked about": f"{plan.unasked:,}",
        "compared by their looks": f"{plan.compared:,}",
        "near copies left out": f"{plan.near_copies:,}",
        "looked at by the model": f"{plan.looked_at:,}",
    }
    notes = Markup("").join(note(text) for text in plan.notes)
    again = [(one.frame_id, one.camera, one.reason) for one in plan.look_again]
    doubts = Markup("<h4>Answers to look at again</h4>{}").format(_grid(again)) if again else Markup("")
    return Markup("").join([told, facts(figures), notes, _grid(chosen), doubts])


def _grid(shown: Sequence[tuple[str, str, str]]) -> Markup:
    """Show the first stills, by id, camera and why, and say how many more there are."""
    figures = Markup("").join(
        Markup("<figure>{}<figcaption><b>{}</b> <span>{}</span></figcaption></figure>").format(
            frame_link(frame_id, why), camera, why
        )
        for frame_id, camera, why in shown[:_SHOWN]
    )
    more = note(f"{len(shown) - _SHOWN} more follow.") if len(shown) > _SHOWN else ""
    return Markup('<div class="wb-frames wb-why">{}</div>{}').format(figures, more)


def _waiting(workspace: Workspace, site: str) -> Markup:
    store = workspace.store
    total = store.footage.counts_by_state(site)[FrameState.IN_LABELLING]
    if not total:
        return empty_state("Nothing waits for you", "Once somebody asks about stills, they stand here with the reason.")
    tasks = store.queue.open_tasks(site, _SHOWN)
    frames = store.footage.by_id(site, [task.frame_id for task in tasks])
    rows = Markup("").join(
        Markup("<figure>{}<figcaption><b>{}</b> <span>{}</span> {}</figcaption></figure>").format(
            frame_link(task.frame_id, task.reason),
            frames[task.frame_id].camera,
            _WITHOUT_REASON.get(task.reason, task.reason),
            page_link(_task_url(workspace, task), "answer it ↗"),
        )
        for task in tasks
    )
    told = f"{counted(total, 'still')} to answer; Label Studio hands them out in this order."
    more = note(f"{total - len(tasks):,} more follow.") if total > len(tasks) else ""
    return Markup('{}<div class="wb-frames wb-why">{}</div>{}').format(note(told), rows, more)


def _task_url(workspace: Workspace, task: LabelTask) -> str:
    url = workspace.settings.labelstudio_url.rstrip("/")
    return f"{url}/projects/{task.project_id}/data?task={task.task_id}"
