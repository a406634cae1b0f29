"""How far labellers agree, in words and with intervals; how much of the site several of them answer."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import Markup

from workbench.domain import Interval, OverlapRule, Role, User
from workbench.labeling.agreement import strength_of
from workbench.ui.fragments import empty_state, explained, note, table
from workbench.ui.job_panel import JobPanel
from workbench.ui.session import one_sentence_errors, require, require_site, sees_others
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.agreement import AgreementReport, AgreementRow, measure_agreement
from workbench.workflows.workspace import Workspace

__all__ = ["AgreementCard", "caption_score", "coefficient"]

_OVERLAP_JOB = "answers-overlap"
_NOT_KNOWN = "no evidence"
_WHY_NOT_KNOWN = (
    "It takes stills of different clips or stretches of time that several labellers answered, and more than one class."
)
_ALPHA = "Krippendorff's alpha: 1 is perfect agreement, 0 is what chance gives, below 0 is worse than chance."
_KAPPA = "Cohen's kappa: 1 is perfect agreement, 0 is what chance gives, below 0 is worse than chance."
_WORDS = "In brackets: where the true value lies, with 95 % confidence. Words after Landis and Koch (1977)."
_CIDER = "Telling words shared with what the others wrote about the same still (CIDEr): 0 to 10."


class AgreementCard:
    """To be placed once; ``view`` is what it shows."""

    def __init__(self, workspace: Workspace, site: gr.Dropdown) -> None:
        with card("How far labellers agree", Role.ENGINEER, Role.REVIEWER):
            shown = gr.HTML()
            with gr.Row(elem_classes=f"wb-for-{Role.ENGINEER}"):
                percent = gr.Number(label="Stills that several labellers answer (%)", value=20, minimum=0, maximum=100)
                labellers = gr.Number(label="Labellers for each of them", value=2, minimum=2, precision=0)
            share_out = gr.Button("Hand tasks out so", elem_classes=f"wb-for-{Role.ENGINEER}")
            self.jobs = JobPanel(workspace, site, {_OVERLAP_JOB: "Handing tasks out"})
        desk = _Desk(workspace, self.jobs)
        self.view = View(workspace, desk.look, [shown, percent, labellers, *self.jobs.outputs], personal=True)
        when_clicked(share_out, desk.share_out, [site, percent, labellers], then=self.jobs.view, site=site)


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace
    jobs: JobPanel

    def look(self, site: str | None, user: User) -> tuple[Any, ...]:
        if not site or not sees_others(user):
            return "", gr.skip(), gr.skip(), *self.jobs.look(None)
        rule = self.workspace.store.gold.overlap(site)
        told = (100 * rule.share, rule.labellers) if rule else (gr.skip(), gr.skip())
        return _shown(measure_agreement(self.workspace.store, site), rule), *told, *self.jobs.look(site)

    @one_sentence_errors
    def share_out(self, site: str | None, percent: float, labellers: float, request: gr.Request) -> None:
        user = require(self.workspace, request, Role.ENGINEER)
        rule = OverlapRule((percent or 0) / 100, int(labellers or 0))
        options = [f"--share={rule.share:g}", f"--labellers={rule.labellers}"]
        self.jobs.start(_OVERLAP_JOB, *options, site=require_site(site), user=user)


def coefficient(interval: Interval | None) -> Markup | str:
    """Return alpha or kappa in plain words: ``0.71 [0.55, 0.83]: substantial``."""
    if interval is None:
        return explained(_NOT_KNOWN, _WHY_NOT_KNOWN)
    return f"{_bounds(interval)}: {strength_of(interval.value)}"


def caption_score(interval: Interval | None) -> Markup | str:
    return explained(_NOT_KNOWN, _WHY_NOT_KNOWN) if interval is None else _bounds(interval)


def _shown(report: AgreementReport, rule: OverlapRule | None) -> Markup:
    asked = _rule(rule)
    if not report.overall.classes.frames:
        return asked + empty_state(
            "No still was answered by several labellers yet",
            "Once an engineer has had a share of the tasks handed to several, their answers are compared here.",
        )
    about = Markup("<h4>{} <span>{}</span></h4>")
    return Markup("").join(
        [
            asked,
            _summary(report),
            about.format("By class", "each against all others"),
            _table("class", report.by_class, explained("agreement", _ALPHA)),
            about.format("By labeller", "each against the others"),
            _table("labeller", report.by_labeller, explained("agreement", _ALPHA)),
            about.format("Two by two", ""),
            _table("labellers", report.by_pair, explained("agreement", _KAPPA), captions=False),
            note(_WORDS),
        ]
    )


def _rule(rule: OverlapRule | None) -> Markup:
    if rule is None:
        return note("How many labellers answer a still was not set here: one, unless Label Studio was told more.")
    if not rule.share:
        return note("Every still goes to one labeller.")
    return note(f"{rule.share:.0%} of the stills go to {rule.labellers} labellers each, the rest to one.")


def _summary(report: AgreementReport) -> Markup:
    overall = report.overall
    return Markup(
        '<p class="wb-line">Agreement on classes: <b>{}</b> <span>· captions: {} · {} shared stills, {} answers in all'
        "</span></p>"
    ).format(
        coefficient(overall.classes.coefficient),
        caption_score(overall.captions),
        overall.classes.frames,
        overall.answers,
    )


def _table(what: str, rows: tuple[AgreementRow, ...], agreement: Markup, *, captions: bool = True) -> Markup:
    columns = [what, "answers", "shared stills", "equal", agreement]
    more = [explained("captions", _CIDER)] if captions else []
    shown = table([*columns, *more], [_row(row, captions) for row in rows], numeric=[1, 2, 3])
    return Markup('<div class="wb-unbroken">{}</div>').format(shown)


def _row(row: AgreementRow, captions: bool) -> list[object]:
    share = row.classes.share
    cells = [row.name, row.answers, row.classes.frames, "–" if share is None else f"{share.value:.0%}"]
    return [*cells, coefficient(row.classes.coefficient), *([caption_score(row.captions)] if captions else [])]


def _bounds(interval: Interval) -> str:
    return f"{interval.value:.2f} [{interval.low:.2f}, {interval.high:.2f}]".replace("-", "−")
