"""Tune: pick a recipe for the newest dataset version, start a run and watch it."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gradio as gr
from markupsafe import Markup

from workbench.datasets import load_manifest
from workbench.domain import DatasetVersion, Job, Role, Split
from workbench.errors import RecipeError, StorageError
from workbench.recipe import explain_recipe
from workbench.settings import Settings, embedded_path
from workbench.ui.charts import loss_chart
from workbench.ui.fragments import badge, empty_state, facts, heading, loading, no_site, note, short_id, table, time_of
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.jobs import start_tune_job
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Tune"
_USES = {
    Split.TRAIN: "stills to train on",
    Split.VALIDATION: "stills to choose the best step by",
    Split.TEST: "stills held out to measure on",
}


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    gr.HTML(heading(TITLE, "The newest dataset version, a recipe that says how, and a process of its own that trains."))
    dataset = gr.HTML(loading())
    with card("Train an adapter", Role.ENGINEER):
        recipe = gr.Dropdown(label="Recipe", choices=[], interactive=True)
        overrides = gr.Textbox(label="Overrides, one a line", lines=2, placeholder="training.max_steps=200\nlora.r=32")
        with gr.Row():
            check = gr.Button("Check")
            start = gr.Button("Start tuning", variant="primary")
    runs = JobPanel(workspace, site, {"tune": "Tuning"}, more=partial(_loss_so_far, workspace))
    explanation = gr.HTML()
    desk = _Desk(workspace, runs)
    recipe.input(desk.show_recipe, recipe, explanation, show_progress="hidden")
    check.click(desk.check_recipe, [recipe, overrides], explanation, show_progress="hidden")
    when_clicked(start, desk.tune, [site, recipe, overrides], then=runs.view, site=site)
    return View(workspace, desk.look, [dataset, recipe, explanation, *runs.outputs])


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    runs: JobPanel

    def look(self, site: str | None) -> tuple[object, ...]:
        recipes = recipe_files(self.workspace.settings)
        first = next(iter(recipes), None)
        return (
            _dataset(self.workspace, site),
            gr.Dropdown(choices=list(recipes), value=first),
            _source(recipes[first]) if first else "",
            *self.runs.look(site),
        )

    @one_sentence_errors
    def show_recipe(self, recipe: str | None, request: gr.Request) -> str:
        require(self.workspace, request)
        return _source(self._recipe_path(recipe))

    @one_sentence_errors
    def check_recipe(self, recipe: str | None, overrides: str, request: gr.Request) -> str:
        require(self.workspace, request)
        path = self._recipe_path(recipe)
        rows = [
            (value.key, value.value, badge(value.origin, "good" if value.origin == "override" else "quiet"))
            for value in explain_recipe(path, _lines(overrides))
        ]
        return note(f"{recipe} can be used as it is.", tone="good") + table(["key", "value", "chosen by"], rows)

    @one_sentence_errors
    def tune(self, site: str | None, recipe: str | None, overrides: str, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        start_tune_job(
            self.workspace,
            self._recipe_path(recipe),
            site=require_site(site),
            overrides=_lines(overrides),
            actor=user.name,
        )

    def _recipe_path(self, name: str | None) -> Path:
        recipes = recipe_files(self.workspace.settings)
        if name not in recipes:
            raise RecipeError(
                expected="a recipe of the recipes folder", found=repr(name), remedy=f"pick one of {', '.join(recipes)}"
            )
        return recipes[name]


def recipe_files(settings: Settings) -> dict[str, Path]:
    """Return the recipes of the workspace's own ``recipes`` folder, or else those that ship, by file name."""
    for folder in (
        settings.home / "recipes",
        Path(__file__).resolve().parents[2] / "recipes",
        embedded_path("recipes"),
    ):
        if found := {path.name: path for path in sorted(folder.glob("*.yaml"))}:
            return found
    return {}


def _loss_so_far(workspace: Workspace, job: Job) -> Markup:
    """Draw the loss of the run that ``job`` has opened in MLflow, once there is one."""
    tracker = workspace.tracker
    run = next((run for run in tracker.runs(job.site, "tune") if run.started_at >= job.started_at), None)
    return loss_chart(tracker, run.id) if run else Markup("")


def _lines(text: str | None) -> list[str]:
    return [line.strip() for line in (text or "").splitlines() if line.strip()]


def _source(path: Path) -> Markup:
    """Show the recipe as its author wrote it: its comments say what it is for and what each choice costs."""
    try:
        return Markup('<h4>{}</h4><pre class="wb-source">{}</pre>').format(path.name, path.read_text("utf-8"))
    except OSError as exc:
        raise StorageError(
            expected=f"to read {path.name}", found=exc.strerror or str(exc), remedy="put the file back"
        ) from exc


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
    manifest = load_manifest(version)
    counts = Counter((row.class_name, row.split) for row in manifest.rows)
    rows = [(name, *(counts[name, split] for split in Split)) for name in manifest.class_names]
    problems = Markup("").join(note(problem, tone="warn") for problem in manifest.problems)
    return table(["class", *Split], rows, numeric=[1, 2, 3]) + problems
