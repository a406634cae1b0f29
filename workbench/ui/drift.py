"""Drift: whether what the cameras see now still looks like what the champion was trained on."""

import gradio as gr
from markupsafe import Markup

from workbench.domain import Role, Verdict
from workbench.tracking import RunSummary
from workbench.ui.fragments import badge, empty_state, heading, long_text, note, table, time_of
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, when_clicked
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Drift"
_VERDICTS = {
    Verdict.PASS: ("as before", "good"),
    Verdict.FAIL: ("drifted", "bad"),
    Verdict.NO_EVIDENCE: ("no evidence", "warn"),
}


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    desk = _Desk(workspace)
    gr.HTML(heading("Drift", "Whether the cameras still show what the model in force was trained on."))
    overview = gr.HTML()
    with gr.Column(elem_classes="wb-card"):
        gr.HTML(note("Compares each camera's stills since the training data with the training data itself."))
        check = gr.Button("Check now", variant="primary")
        desk.jobs = JobPanel(workspace, site, ["drift"])
    everything = View(desk.look, [overview, *desk.jobs.outputs])
    when_clicked(check, desk.check_drift, [site], then=desk.jobs.view, site=site)
    desk.jobs.when_ended(everything)
    return everything


class _Desk:
    jobs: JobPanel

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @one_sentence_errors
    def look(self, site: str | None, request: gr.Request) -> tuple[object, ...]:
        require(self._workspace, request)
        runs = self._workspace.tracker.runs(site, "drift") if site else []
        newest: dict[str, RunSummary] = {}
        for run in runs:
            if run.state == "FINISHED":
                newest.setdefault(run.tags.get("camera", run.name), run)
        return _overview(newest), *self.jobs.look(site, request)

    @one_sentence_errors
    def check_drift(self, site: str | None, request: gr.Request) -> None:
        user = require(self._workspace, request, Role.ENGINEER)
        site = require_site(site)
        self.jobs.start("drift", ["drift", "check", "--site", site], site=site, user=user)


def _overview(newest: dict[str, RunSummary]) -> Markup:
    if not newest:
        return empty_state(
            "Never checked", "Take newer stills under Footage, then check whether they still look alike."
        )
    rows = [_row(camera, run) for camera, run in sorted(newest.items())]
    columns = ["camera", "verdict", "checked (UTC)", "trained on", "now", "pictures differ", "p", "classes differ", "p"]
    words = Markup("").join(_in_words(camera, run) for camera, run in sorted(newest.items()))
    return words + table([*columns, "model"], rows, numeric=range(3, 9))


def _row(camera: str, run: RunSummary) -> tuple[object, ...]:
    counts = (f"{run.metrics.get(name, 0):.0f} stills" for name in ("reference_rows", "current_rows"))
    figures = (_figure(run, name) for name in ("embeddings", "embeddings_p", "classes", "classes_p"))
    model = run.tags.get("model_version", "–")
    return (
        long_text(camera),
        badge(*_VERDICTS[_verdict(run)]),
        time_of(run.started_at),
        *counts,
        *figures,
        long_text(model),
    )


def _in_words(camera: str, run: RunSummary) -> Markup:
    """Say what the figures mean and what to do about them."""
    verdict = _verdict(run)
    if verdict is Verdict.PASS:
        text = f"{camera} shows what the model was trained on."
    elif verdict is Verdict.NO_EVIDENCE:
        text = f"{camera} has too few separate stretches of footage to tell; take in more of it."
    else:
        what = [
            word
            for test, word in (("embeddings", "its pictures look different"), ("classes", "the classes are mixed anew"))
            if run.metrics.get(f"{test}_p", 1.0) < 0.05
        ]
        text = f"{camera} has changed: {' and '.join(what)}. Label some of its newest stills and tune again."
    return note(text, tone=_VERDICTS[verdict][1])


def _verdict(run: RunSummary) -> Verdict:
    return Verdict(run.tags.get("verdict", Verdict.NO_EVIDENCE))


def _figure(run: RunSummary, name: str) -> str:
    return f"{run.metrics[name]:.3f}" if name in run.metrics else "–"
