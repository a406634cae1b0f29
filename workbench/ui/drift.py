"""Drift: whether what the cameras see now still looks like what the champion was trained on."""

from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from workbench.domain import Role, Verdict
from workbench.drift import EFFECT_THRESHOLDS, SIGNIFICANCE
from workbench.tracking import RunSummary
from workbench.ui.fragments import (
    badge,
    empty_state,
    explained,
    heading,
    loading,
    long_text,
    no_site,
    note,
    table,
    time_of,
)
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.run_kinds import DRIFT
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Drift"
_CHANGES = {"embeddings": "its pictures look different", "classes": "its classes come in another mix"}
_CHANCE = explained(
    "by chance", f"How likely so large a difference is where nothing has changed; below {SIGNIFICANCE} it counts."
)
_COLUMNS = [
    "camera",
    "verdict",
    "checked (UTC)",
    "stills trained on",
    "newer stills",
    explained(
        "pictures differ", f"0: alike, 1: nothing in common; from {EFFECT_THRESHOLDS['embeddings']} on it counts."
    ),
    _CHANCE,
    explained("classes differ", f"0: the same mix of classes; from {EFFECT_THRESHOLDS['classes']} on it counts."),
    _CHANCE,
    "model",
]
_VERDICTS = {
    Verdict.PASS: ("as before", "good"),
    Verdict.FAIL: ("drifted", "bad"),
    Verdict.NO_EVIDENCE: ("no evidence", "warn"),
}


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    gr.HTML(heading(TITLE, "Whether the cameras still show what the model in force was trained on."))
    overview = gr.HTML(loading())
    with card("Compare each camera's newer stills with those that the model was trained on", Role.ENGINEER):
        check = gr.Button("Check now", variant="primary")
        jobs = JobPanel(workspace, site, {"drift-check": "Checking for drift"})
    desk = _Desk(workspace, jobs)
    everything = View(workspace, desk.look, [overview, *jobs.outputs])
    when_clicked(check, desk.check_drift, [site], then=jobs.view, site=site)
    jobs.when_ended(everything)
    return everything


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None) -> tuple[object, ...]:
        return _overview(self.workspace, site), *self.jobs.look(site)

    @one_sentence_errors
    def check_drift(self, site: str | None, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        self.jobs.start("drift-check", site=require_site(site), user=user)


def _overview(workspace: Workspace, site: str | None) -> Markup:
    if not site:
        return no_site()
    newest: dict[str, RunSummary] = {}
    for run in workspace.tracker.runs(site, DRIFT):
        if run.state == "FINISHED":
            newest.setdefault(run.tags.get("camera", run.name), run)
    if not newest:
        return empty_state(
            "Never checked", "Take newer stills under Footage, then check whether they still look alike."
        )
    words = Markup("").join(_in_words(camera, run) for camera, run in sorted(newest.items()))
    return words + table(_COLUMNS, [_row(camera, run) for camera, run in sorted(newest.items())], numeric=range(3, 9))


def _row(camera: str, run: RunSummary) -> tuple[object, ...]:
    counts = (f"{run.metrics.get(name, 0):.0f}" for name in ("reference_rows", "current_rows"))
    figures = (_figure(run, name) for name in ("embeddings", "embeddings_p", "classes", "classes_p"))
    version = run.tags.get("model_version", "–")
    model = explained(version.rpartition("+")[2], version)
    verdict = badge(*_VERDICTS[_verdict(run)])
    return long_text(camera), verdict, time_of(run.started_at), *counts, *figures, model


def _in_words(camera: str, run: RunSummary) -> Markup:
    """Say what the figures mean and what to do about them."""
    verdict = _verdict(run)
    if verdict is Verdict.PASS:
        text = f"{camera} shows what the model was trained on."
    elif verdict is Verdict.NO_EVIDENCE:
        text = f"{camera} has too few separate stretches of footage to tell; take stills from more of it under Footage."
    else:
        what = [told for test, told in _CHANGES.items() if run.metrics.get(f"{test}_p", 1.0) < SIGNIFICANCE]
        text = f"{camera} has changed: {' and '.join(what)}. Label some of its newest stills and tune again."
    return note(text, tone=_VERDICTS[verdict][1])


def _verdict(run: RunSummary) -> Verdict:
    return Verdict(run.tags.get("verdict", Verdict.NO_EVIDENCE))


def _figure(run: RunSummary, name: str) -> str:
    return f"{run.metrics[name]:.3f}" if name in run.metrics else "–"
