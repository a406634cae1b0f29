"""Runs: what was tuned and measured, how it went, and the way to a promotion."""

from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from workbench.domain import Role, utc_now
from workbench.errors import NotFoundError
from workbench.evaluation.checks import Check
from workbench.metric_texts import METRIC_TEXTS
from workbench.tracking import RunSummary
from workbench.ui.charts import loss_chart
from workbench.ui.compare_card import CompareCard
from workbench.ui.fragments import (
    badge,
    empty_state,
    explained,
    heading,
    loading,
    long_text,
    no_site,
    note,
    page_link,
    short_id,
    span_of,
    table,
    time_of,
)
from workbench.ui.job_panel import JobPanel
from workbench.ui.reports import report_frame
from workbench.ui.run_samples import run_samples
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.side_by_side_card import SideBySideCard
from workbench.ui.view import View, all_of, card, when_clicked
from workbench.workflows.promote import request_promotion
from workbench.workflows.run_kinds import MEASURE, MEASURE_SEARCH, SWEEP, TUNE, TUNE_SEARCH
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Runs"
_STATES = {
    "RUNNING": ("running", "warn"),
    "FINISHED": ("finished", "good"),
    "FAILED": ("failed", "bad"),
    "KILLED": ("killed", "bad"),
}
_KINDS = {
    TUNE: "tuning",
    TUNE_SEARCH: "tuning of search",
    SWEEP: "sweep",
    MEASURE: "measurement",
    MEASURE_SEARCH: "measurement of search",
}
_BASE, _CHAMPION = "base", "champion"
_ALSO = [
    ("poor conditions", Check.ROBUSTNESS.value),
    ("what it could do before", Check.GENERAL.value),
    ("yes or no about objects", Check.PROBES.value),
]
_JUDGE = "a recipe's file, or http://HOST:PORT/v1#MODEL in the site's network; optional"
_SHOWN_METRICS = ("class_accuracy", "macro_f1", "cider")


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    gr.HTML(heading(TITLE, "Every tuning and every measurement, with what went in and what came out."))
    overview = gr.HTML(loading(), elem_classes="wb-long-list")
    with gr.Row(equal_height=False):
        with card("Measure on held-out stills", Role.ENGINEER):
            model = gr.Dropdown(label="Model", choices=[_BASE, _CHAMPION], value=_BASE, interactive=True)
            also = gr.CheckboxGroup(_ALSO, label="Also measure (minutes each)")
            judge = gr.Textbox(label="Let a model judge captions", placeholder=_JUDGE, max_length=500)
            evaluate = gr.Button("Evaluate")
        with card("Ask that a run becomes the champion", Role.ENGINEER, Role.REVIEWER):
            run = gr.Dropdown(label="Run", choices=[], interactive=True)
            remark = gr.Textbox(label="Note for the reviewer", lines=2, max_length=2000)
            ask = gr.Button("Request promotion", variant="primary")
    jobs = JobPanel(workspace, site, {"evaluate": "Measuring"})
    details = gr.HTML()
    comparison = CompareCard(workspace, site)
    blind = SideBySideCard(workspace, site)
    desk = _Desk(workspace, jobs)
    everything = View(workspace, desk.look, [overview, run, model, details, *jobs.outputs])
    run.input(desk.show_run, run, details, show_progress="hidden")
    when_clicked(evaluate, desk.evaluate, [site, model, also, judge], then=jobs.view, site=site)
    when_clicked(ask, desk.request_promotion, [site, run, remark], clears=[remark], then=everything, site=site)
    jobs.when_ended(everything)
    return all_of(workspace, [everything, comparison.view, blind.view])


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[object, ...]:
        runs = self.workspace.tracker.runs(site, *_KINDS) if site else []
        tuned = [run for run in runs if run.kind in (TUNE, TUNE_SEARCH)]
        named = {run.id: f"{run.name} · {run.started_at:%m-%d %H:%M} · {_word(run)} · {run.id[:8]}" for run in tuned}
        choices = [(name, run_id) for run_id, name in named.items()]
        answering = [(named[run.id], run.id) for run in tuned if run.kind == TUNE]
        models = [(_BASE, _BASE), (_CHAMPION, _CHAMPION), *answering]
        shown = next((run for run in tuned if run.state == "FINISHED"), next(iter(tuned), None))
        first = shown and shown.id
        return (
            _overview(runs) if site else no_site(),
            gr.Dropdown(choices=choices, value=first),
            gr.Dropdown(choices=models, value=first if first in dict(answering).values() else _BASE),
            _details(self.workspace, shown) if shown else "",
            *self.jobs.look(site),
        )

    @one_sentence_errors
    def show_run(self, run_id: str | None, request: gr.Request) -> str:
        require(self.workspace, request)
        return _details(self.workspace, self.workspace.tracker.get(run_id)) if run_id else ""

    @one_sentence_errors
    def evaluate(self, site: str | None, model: str, also: list[str], judge: str, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        site = require_site(site)
        if model not in (_BASE, _CHAMPION):
            model = self.workspace.tracker.get(model).id
        options = [f"--also={check}" for check in also] + ([f"--judge={judge.strip()}"] if judge.strip() else [])
        self.jobs.start("evaluate", "--model", model, *options, site=site, user=user)

    @one_sentence_errors
    def request_promotion(self, site: str | None, run_id: str | None, remark: str, request: gr.Request) -> str:
        user = require(self.workspace, request, Role.ENGINEER, Role.REVIEWER)
        if not run_id:
            raise NotFoundError(expected="a tuning run", found="none picked", remedy="tune first, under Tune")
        candidate = request_promotion(self.workspace, site=require_site(site), run_id=run_id, actor=user, note=remark)
        gr.Info(f"Version {candidate.version} waits for a reviewer, under Review.", title="Requested")
        return ""


def _overview(runs: list[RunSummary]) -> Markup:
    if not runs:
        return empty_state("No run yet", "Start one under Tune: it trains an adapter on the site's labelled stills.")
    metrics = (explained(METRIC_TEXTS[name].title, METRIC_TEXTS[name].meaning) for name in _SHOWN_METRICS)
    columns = ["run", "kind", "state", "started (UTC)", "took", *metrics, "id"]
    return table(columns, map(_row, runs), numeric=[5, 6, 7])


def _row(run: RunSummary) -> tuple[object, ...]:
    took = span_of((run.ended_at or utc_now()) - run.started_at) if run.kind in (TUNE, TUNE_SEARCH) else "–"
    state = badge(_word(run), _STATES.get(run.state, ("", "quiet"))[1])
    figures = (_figure(run, name) for name in _SHOWN_METRICS)
    return (
        long_text(run.name),
        _KINDS[run.kind],
        state,
        time_of(run.started_at),
        took,
        *figures,
        short_id(run.id),
    )


def _figure(run: RunSummary, name: str) -> str:
    """An evaluation names its figures plainly; on the tuning run they stand under the split's name."""
    value = run.metrics.get(name, run.metrics.get(f"test/{name}"))
    return "–" if value is None else METRIC_TEXTS[name].number(value)


def _word(run: RunSummary) -> str:
    return _STATES.get(run.state, (run.state.lower(), ""))[0]


def _in_mlflow(workspace: Workspace, run: RunSummary) -> Markup:
    return page_link(workspace.tracker.page_of(run.id, workspace.settings.mlflow_url), "in MLflow")


def _details(workspace: Workspace, run: RunSummary) -> Markup:
    chart = loss_chart(workspace.tracker, run.id) or note("No loss was logged for this run yet.")
    params = table(["choice", "value"], sorted(run.params.items()))
    inputs = Markup(" ").join(
        Markup("{} {}").format(context, short_id(dataset_id)) for context, dataset_id in run.datasets.items()
    )
    return Markup(
        "<h4>{} <span>{} · data: {} · {}</span></h4>{}{}{}"
        "<details><summary>Every choice of this run</summary>{}</details>"
    ).format(
        run.name,
        run.id,
        inputs or "–",
        _in_mlflow(workspace, run),
        chart,
        run_samples(workspace, run.id),
        report_frame(workspace, run.id),
        params,
    )
