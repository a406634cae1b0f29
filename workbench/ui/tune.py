"""Tune: pick a recipe for the newest dataset version, check it, queue a run and watch it."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.datasets import load_manifest
from workbench.domain import DatasetVersion, Job, JobState, Role, Split
from workbench.errors import DatasetError, RecipeError, TrackingError, WorkbenchError
from workbench.recipe import Recipe
from workbench.recipe_file import ResolvedValue, explain_recipe, load_any_recipe
from workbench.search_recipe import SearchRecipe
from workbench.ui.device_queue_card import DeviceQueueCard
from workbench.ui.fragments import badge, empty_state, facts, heading, loading, no_site, note, short_id, table, time_of
from workbench.ui.job_panel import JobPanel
from workbench.ui.preflight_view import preflight_view
from workbench.ui.recipe_files import recipe_path, recipe_paths, recipe_source, recipes_mark
from workbench.ui.recipe_form import RecipeForm
from workbench.ui.run_progress import run_progress
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, all_of, card, when_clicked
from workbench.workflows.jobs import job_log_tail, job_standing
from workbench.workflows.tune_jobs import (
    TUNE_JOBS,
    preflight_of,
    resumable_run,
    resume_job,
    start_preflight_job,
    start_tune_job,
)
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Tune"
_USES = {
    Split.TRAIN: "stills to train on",
    Split.VALIDATION: "stills to choose the best step by",
    Split.TEST: "stills held out to measure on",
}
_PREFLIGHT = "tune-preflight"
_TUNINGS = ("Tuning", "Tuning in the cluster")


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    gr.HTML(heading(TITLE, "The newest dataset version, a recipe that says how, and a process of its own that trains."))
    dataset = gr.HTML(loading())
    names = list(recipe_paths(workspace.settings))
    first = next(iter(names), None)
    with card("Train an adapter", Role.ENGINEER):
        recipe = gr.Dropdown(label="Recipe", choices=names, value=first, interactive=True)
        form = RecipeForm(_loaded(workspace, first))
        overrides = gr.Textbox(
            label="Overrides, one a line",
            lines=2,
            placeholder="training.max_steps=200\nlora.r=32",
            info="For what the form lacks; a line here wins over the form.",
        )
        changes = gr.HTML()
        priority = gr.Number(label="Priority", value=0, precision=0, info="In the queue the highest is started first.")
        in_cluster = gr.Checkbox(
            label="In the cluster's queue",
            info=f"On a machine of {workspace.settings.ray_address}, in the order of coming.",
            visible=bool(workspace.settings.ray_address),
        )
        with gr.Row():
            check = gr.Button("Check")
            preflight = gr.Button("Preflight")
            start = gr.Button("Start tuning", variant="primary")
        checked = gr.HTML()
        checks = JobPanel(
            workspace, site, {_PREFLIGHT: "Preflight"}, more=partial(_preflight, workspace), log=_preflight_log
        )
    runs = JobPanel(workspace, site, dict(zip(TUNE_JOBS, _TUNINGS, strict=True)), more=partial(run_progress, workspace))
    resume = gr.Button("Resume", visible=False, size="sm", elem_classes=f"wb-for-{Role.ENGINEER}")
    queue = DeviceQueueCard(workspace, site)
    explanation = gr.HTML(elem_classes="wb-recipe")
    mark = gr.State(None)
    desk = _Desk(workspace, form, runs)
    jobs = all_of(
        workspace,
        [checks.view, runs.view, View(workspace, desk.look_resume, [resume]), queue.view],
    )
    chosen = [recipe, overrides, *form.inputs]
    for event in (recipe.input, mark.change):
        event(desk.show_recipe, recipe, [explanation, changes, checked, *form.outputs], show_progress="hidden")
    gr.on(form.events, desk.show_changes, chosen, changes, show_progress="hidden", trigger_mode="always_last")
    check.click(desk.check_recipe, chosen, checked, show_progress="hidden")
    when_clicked(preflight, desk.start_preflight, [site, *chosen], then=jobs, site=site)
    when_clicked(start, desk.tune, [site, priority, in_cluster, *chosen], then=jobs, site=site)
    when_clicked(resume, desk.resume_tuning, [site], then=jobs, site=site)
    for panel in (checks, runs):
        panel.when_ended(jobs)
    return all_of(workspace, [View(workspace, desk.look, [dataset, recipe, mark]), jobs])


@dataclass(frozen=True)
class _Desk:
    """The handlers; those that read the form take its values last, as the form knows how many there are."""

    workspace: Workspace
    form: RecipeForm
    runs: JobPanel

    def look(self, site: str | None) -> tuple[object, ...]:
        settings = self.workspace.settings
        return _dataset(self.workspace, site), gr.Dropdown(choices=list(recipe_paths(settings))), recipes_mark(settings)

    def look_resume(self, site: str | None) -> tuple[gr.Button]:
        job = self.runs.newest(site)
        with suppress(TrackingError):
            return (gr.Button(visible=job is not None and resumable_run(self.workspace, job) is not None),)
        return (gr.Button(visible=False),)

    @one_sentence_errors
    def show_recipe(self, recipe: str | None, request: gr.Request) -> list[Any]:
        require(self.workspace, request)
        path = recipe_path(self.workspace.settings, recipe)
        return [recipe_source(path), "", "", *self.form.show(load_any_recipe(path))]

    @one_sentence_errors
    def show_changes(self, request: gr.Request, recipe: str | None, overrides: str, *values: Any) -> Markup:
        require(self.workspace, request)
        changed = self.form.overrides(values)
        return note(f"Other than in {recipe}: {', '.join(changed)}") if changed else Markup("")

    @one_sentence_errors
    def check_recipe(self, request: gr.Request, recipe: str | None, overrides: str, *values: Any) -> Markup:
        require(self.workspace, request)
        path = recipe_path(self.workspace.settings, recipe)
        try:
            explained = explain_recipe(path, self._chosen(overrides, values))
        except RecipeError as error:
            return _problems(recipe, error)
        return note(f"{recipe} can be used as it is.", tone="good") + _resolved(explained)

    @one_sentence_errors
    def start_preflight(
        self,
        request: gr.Request,
        site: str | None,
        recipe: str | None,
        overrides: str,
        *values: Any,
    ) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        path, chosen = recipe_path(self.workspace.settings, recipe), self._chosen(overrides, values)
        job = start_preflight_job(self.workspace, path, site=require_site(site), overrides=chosen, actor=user.name)
        self._tell_of_waiting(job)

    @one_sentence_errors
    def tune(
        self,
        request: gr.Request,
        site: str | None,
        priority: float | None,
        in_cluster: bool,
        recipe: str | None,
        overrides: str,
        *values: Any,
    ) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        job = start_tune_job(
            self.workspace,
            recipe_path(self.workspace.settings, recipe),
            site=require_site(site),
            overrides=self._chosen(overrides, values),
            actor=user.name,
            priority=int(priority or 0),
            in_cluster=in_cluster,
        )
        self._tell_of_waiting(job)

    @one_sentence_errors
    def resume_tuning(self, site: str | None, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        job = self.runs.newest(require_site(site))
        if job is not None:
            self._tell_of_waiting(resume_job(self.workspace, job.id, actor=user.name))

    def _chosen(self, overrides: str | None, values: Sequence[Any]) -> list[str]:
        """Return the form's overrides and then those of the text, which win."""
        lines = [line.strip() for line in (overrides or "").splitlines() if line.strip()]
        return [*self.form.overrides(values), *lines]

    def _tell_of_waiting(self, job: Job) -> None:
        if job.state is JobState.QUEUED:
            place = job_standing(self.workspace, job).place
            gr.Info(f"Job {job.id} waits for a device, at place {place} of the queue.", title="Queued")


def _loaded(workspace: Workspace, name: str | None) -> Recipe | SearchRecipe:
    try:
        return load_any_recipe(recipe_path(workspace.settings, name))
    except WorkbenchError:
        return Recipe()  # the page says what is wrong with the file when it is picked or checked


def _resolved(values: Sequence[ResolvedValue]) -> Markup:
    rows = [
        (value.key, value.value, badge(value.origin, "good" if value.origin == "override" else "quiet"))
        for value in values
    ]
    every = table(["key", "value", "chosen by"], rows)
    return Markup("<details><summary>Every value, and who chose it</summary>{}</details>").format(every)


def _problems(recipe: str | None, error: RecipeError) -> Markup:
    """Show each of the problems, which the error tells in one sentence."""
    number, _, said = error.found.partition(": ")
    items = Markup("").join(Markup("<li>{}</li>").format(problem) for problem in (said or number).split("; "))
    head = note(f"{recipe} cannot be used as it is.", tone="bad")
    return head + Markup('<ul class="wb-problems">{}</ul>').format(items)


def _preflight(workspace: Workspace, job: Job) -> Markup:
    """Show what a preflight found, folded up once a run was started after it."""
    found = preflight_of(job)
    if found is None:
        return Markup("")
    is_past = any(one.kind in TUNE_JOBS and one.id > job.id for one in workspace.store.jobs.all(job.site))
    return Markup("<details{}><summary>What the preflight found</summary>{}</details>").format(
        "" if is_past else " open", preflight_view(found)
    )


def _preflight_log(job: Job) -> str:
    return "" if preflight_of(job) else job_log_tail(job)


def _dataset(workspace: Workspace, site: str | None) -> Markup:
    if not site:
        return no_site()
    versions = workspace.store.datasets.all(site)
    if not versions:
        return empty_state("No dataset yet", "Fetch labels under Label, then build one under Datasets.")
    latest = versions[-1]
    title = Markup("<h4>Version {} <span>made {} UTC · versions so far: {}</span></h4>").format(
        short_id(latest.id), time_of(latest.created_at), len(versions)
    )
    return facts({use: latest.rows.get(split, 0) for split, use in _USES.items()}) + title + _by_class(latest)


def _by_class(version: DatasetVersion) -> Markup:
    try:
        manifest = load_manifest(version)
    except DatasetError as error:
        return note(str(error), tone="bad")
    counts = Counter((row.class_name, row.split) for row in manifest.rows)
    rows = [(name, *(counts[name, split] for split in Split)) for name in manifest.class_names]
    problems = Markup("").join(note(problem, tone="warn") for problem in manifest.problems)
    return table(["class", *Split], rows, numeric=[1, 2, 3]) + problems
