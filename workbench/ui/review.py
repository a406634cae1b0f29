"""Review: what asks to become the site's champion, with its evidence, and the decision of another person."""

import gradio as gr
from markupsafe import Markup

from workbench.domain import AuditEvent, Candidate, CandidateState, EvaluationReport, Role, Verdict
from workbench.errors import PromotionError
from workbench.promotion.evidence import report_from_metrics
from workbench.ui.fragments import badge, empty_state, facts, heading, long_text, note, short_id, table, time_of
from workbench.ui.reports import report_frame
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, when_clicked
from workbench.workflows.promote import approve, reject, rollback
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Review"
_EVENTS_SHOWN = 50
_FIGURES = {
    "class_accuracy": "right class",
    "macro_f1": "macro-F1",
    "cider": "CIDEr",
    "bleu_4": "BLEU-4",
    "meteor_exact_stem": "METEOR (exact and stem)",
    "rouge_l": "ROUGE-L",
    "ece": "calibration error (less is better)",
}
_VERDICTS = {
    Verdict.PASS: ("met", "good"),
    Verdict.FAIL: ("not met", "bad"),
    Verdict.NO_EVIDENCE: ("no evidence", "warn"),
}
_STATES = {
    CandidateState.REQUESTED: ("waits", "warn"),
    CandidateState.APPROVED: ("approved", "good"),
    CandidateState.REJECTED: ("rejected", "bad"),
}


def build(workspace: Workspace, site: gr.Dropdown) -> View:
    desk = _Desk(workspace)
    gr.HTML(heading("Review", "One person asks, another decides: the evidence, the conditions and the audit trail."))
    overview = gr.HTML()
    version = gr.Dropdown(label="Version", choices=[], interactive=True)
    evidence = gr.HTML()
    with gr.Column(elem_classes="wb-card"):
        gr.HTML("<h3>Decide</h3>")
        remark = gr.Textbox(label="Note, kept in the audit trail", lines=2, max_length=2000)
        override = gr.Textbox(label="Reason to approve although a condition is not met", max_length=2000)
        with gr.Row():
            yes = gr.Button("Approve", variant="primary")
            no = gr.Button("Reject")
            back = gr.Button("Roll back to the champion before", variant="stop")
    history = gr.HTML()
    everything = View(desk.look, [overview, version, evidence, history])
    version.input(desk.show_evidence, [site, version], evidence, show_progress="hidden")
    told = [remark, override]
    when_clicked(yes, desk.approve, [site, version, *told], clears=told, then=everything, site=site)
    when_clicked(no, desk.reject, [site, version, remark], clears=[remark], then=everything, site=site)
    when_clicked(back, desk.roll_back, [site, remark], clears=[remark], then=everything, site=site)
    return everything


class _Desk:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @one_sentence_errors
    def look(self, site: str | None, request: gr.Request) -> tuple[object, ...]:
        require(self._workspace, request)
        if not site:
            return empty_state("No site yet", "Add the first one under Footage."), gr.Dropdown(visible=False), "", ""
        candidates = self._workspace.store.promotions.all(site)
        waiting = [item for item in candidates if item.state is CandidateState.REQUESTED]
        first = next(iter(waiting or candidates), None)
        choices = [(f"version {item.version} · {_STATES[item.state][0]}", item.version) for item in candidates]
        picker = gr.Dropdown(choices=choices, value=first and first.version, visible=bool(candidates))
        return (
            _overview(candidates, len(waiting), self._workspace.store.promotions.champion(site)),
            picker,
            _evidence(self._workspace, first) if first else "",
            _history(candidates) + _audit_trail(self._workspace.store.audit.events()),
        )

    @one_sentence_errors
    def show_evidence(self, site: str | None, version: int | None, request: gr.Request) -> str:
        require(self._workspace, request)
        return _evidence(self._workspace, self._picked(site, version))

    @one_sentence_errors
    def approve(
        self, site: str | None, version: int | None, remark: str, override: str, request: gr.Request
    ) -> tuple[str, str]:
        user = require(self._workspace, request, Role.REVIEWER)
        picked = self._picked(site, version)
        approve(
            self._workspace,
            site=picked.site,
            version=picked.version,
            actor=user,
            note=remark,
            override=override.strip(),
        )
        gr.Info(f"Version {picked.version} is the champion now.", title="Approved")
        return "", ""

    @one_sentence_errors
    def reject(self, site: str | None, version: int | None, remark: str, request: gr.Request) -> str:
        user = require(self._workspace, request, Role.REVIEWER)
        picked = self._picked(site, version)
        reject(self._workspace, site=picked.site, version=picked.version, actor=user, note=remark)
        gr.Info(f"Version {picked.version} was turned down; the champion stays.", title="Rejected")
        return ""

    @one_sentence_errors
    def roll_back(self, site: str | None, remark: str, request: gr.Request) -> str:
        user = require(self._workspace, request, Role.REVIEWER)
        champion = rollback(self._workspace, site=require_site(site), actor=user, note=remark)
        now = "The base model" if champion is None else f"Version {champion}"
        gr.Info(f"{now} is in force again.", title="Rolled back")
        return ""

    def _picked(self, site: str | None, version: int | None) -> Candidate:
        if version is None:
            raise PromotionError(
                expected="a version to decide on", found="none", remedy="request a promotion under Runs first"
            )
        return self._workspace.store.promotions.get(require_site(site), version)


def _overview(candidates: list[Candidate], waiting: int, champion: int | None) -> Markup:
    if not candidates:
        return empty_state(
            "Nothing asks for promotion", "An engineer requests one under Runs, once a run was tuned and evaluated."
        )
    in_force = "base model" if champion is None else f"version {champion}"
    return facts({"waiting for a decision": waiting, "in force": in_force, "versions so far": len(candidates)})


def _evidence(workspace: Workspace, candidate: Candidate) -> Markup:
    run = workspace.tracker.get(candidate.run_id)
    adapted, base = (
        report_from_metrics(run.metrics, prefix, model_version=prefix, dataset_id=run.tags.get(f"{prefix}.dataset_id"))
        for prefix in ("test", "base_test")
    )
    return Markup("").join(
        [_request(candidate), _gates(candidate), _figures(adapted, base), report_frame(workspace, candidate.run_id)]
    )


def _request(candidate: Candidate) -> Markup:
    word, tone = _STATES[candidate.state]
    text = Markup("{} requested by <b>{}</b> on {}, run {}, dataset {}, compared with {}.").format(
        badge(word, tone),
        candidate.requested_by,
        time_of(candidate.requested_at),
        short_id(candidate.run_id),
        short_id(candidate.dataset_id),
        candidate.compared_with,
    )
    remark = note(Markup("“{}”").format(candidate.note)) if candidate.note else Markup("")
    return Markup('<p class="wb-line">{}</p>').format(text) + remark


def _gates(candidate: Candidate) -> Markup:
    rows = (
        Markup("<li>{}<div><b>{}</b><p>{}</p></div></li>").format(
            badge(*_VERDICTS[gate.verdict]), gate.name, gate.explanation
        )
        for gate in candidate.gates
    )
    return Markup('<h4>Conditions</h4><ul class="wb-gates">{}</ul>').format(Markup("").join(rows))


def _figures(adapted: EvaluationReport | None, base: EvaluationReport | None) -> Markup:
    if adapted is None:
        return note("This run was not evaluated on held-out frames.", tone="warn")
    before = base.metrics if base else {}
    rows = [
        (_FIGURES.get(name, name), before.get(name, "not measured"), value) for name, value in adapted.metrics.items()
    ]
    title = Markup("<h4>On {} held-out frames, with 95 % intervals</h4>").format(adapted.rows)
    return title + table(["figure", "base model", "with the adapter"], rows)


def _history(candidates: list[Candidate]) -> Markup:
    if not candidates:
        return Markup("")
    rows = [
        (
            candidate.version,
            badge(*_STATES[candidate.state]),
            candidate.requested_by,
            candidate.decided_by or "–",
            time_of(candidate.decided_at) if candidate.decided_at else "–",
            candidate.note or "–",
        )
        for candidate in candidates
    ]
    return Markup("<h4>History</h4>") + table(
        ["version", "state", "requested by", "decided by", "at (UTC)", "note"], rows
    )


def _audit_trail(events: list[AuditEvent]) -> Markup:
    rows = [
        (event.sequence, time_of(event.at), event.actor, event.action, event.subject, long_text(_details(event)))
        for event in events[: -_EVENTS_SHOWN - 1 : -1]
    ]
    title = Markup("<h4>Audit trail <span>the newest {} of {} events</span></h4>").format(len(rows), len(events))
    return title + table(["#", "at (UTC)", "who", "did what", "to", "details"], rows)


def _details(event: AuditEvent) -> str:
    return ", ".join(f"{name}: {value}" for name, value in event.detail.items()) or "–"
