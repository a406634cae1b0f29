"""Review: what asks to become the site's champion, with its evidence, and the decision of another person."""

from dataclasses import dataclass

import gradio as gr
from markupsafe import Markup

from workbench.domain import AuditEvent, Candidate, CandidateState, EvaluationReport, Interval, Role, Verdict
from workbench.errors import PromotionError
from workbench.metric_texts import METRIC_TEXTS, MetricText
from workbench.promotion.evidence import report_from_metrics
from workbench.ui.dataset_details import allowed_leaks_note
from workbench.ui.fragments import (
    badge,
    empty_state,
    explained,
    facts,
    heading,
    loading,
    no_site,
    note,
    short_id,
    table,
    time_of,
)
from workbench.ui.reports import report_frame
from workbench.ui.session import one_sentence_errors, require, require_site
from workbench.ui.view import View, card, when_clicked
from workbench.workflows.promote import approve, reject, rollback
from workbench.workflows.workspace import Workspace

__all__ = ["TITLE", "build"]

TITLE = "Review"
_EVENTS_SHOWN = 50
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
    gr.HTML(heading(TITLE, "One person asks, another decides: the evidence, the conditions and the audit trail."))
    overview = gr.HTML(loading())
    version = gr.Dropdown(label="Version", choices=[], interactive=True)
    evidence = gr.HTML()
    with card("Decide", Role.REVIEWER):
        remark = gr.Textbox(label="Note, kept in the audit trail", lines=2, max_length=2000)
        override = gr.Textbox(label="Reason to approve although a condition is not met", max_length=2000)
        with gr.Row():
            yes = gr.Button("Approve", variant="primary")
            no = gr.Button("Reject")
            back = gr.Button("Roll back", variant="stop")
    history = gr.HTML()
    everything = View(workspace, desk.look, [overview, version, evidence, yes, no, back, history])
    version.input(desk.show_evidence, [site, version], [evidence, yes, no], show_progress="hidden")
    told = [remark, override]
    when_clicked(yes, desk.approve, [site, version, *told], clears=told, then=everything, site=site)
    when_clicked(no, desk.reject, [site, version, remark], clears=[remark], then=everything, site=site)
    when_clicked(back, desk.roll_back, [site, remark], clears=[remark], then=everything, site=site)
    return everything


@dataclass(frozen=True)
class _Desk:
    workspace: Workspace

    def look(self, site: str | None) -> tuple[object, ...]:
        promotions = self.workspace.store.promotions
        candidates, champion = (promotions.all(site), promotions.champion(site)) if site else ([], None)
        waiting = [item for item in candidates if item.state is CandidateState.REQUESTED]
        first = next(iter(waiting or candidates), None)
        choices = [(f"version {item.version} · {_STATES[item.state][0]}", item.version) for item in candidates]
        return (
            _overview(candidates, len(waiting), champion) if site else no_site(),
            gr.Dropdown(choices=choices, value=first and first.version, visible=bool(candidates)),
            *self._shown(first),
            gr.Button(interactive=champion is not None),
            _history(candidates) + _audit_trail(self.workspace.store.audit.events()),
        )

    @one_sentence_errors
    def show_evidence(
        self, site: str | None, version: int | None, request: gr.Request
    ) -> tuple[Markup, gr.Button, gr.Button]:
        require(self.workspace, request)
        return self._shown(self._picked(site, version))

    @one_sentence_errors
    def approve(
        self, site: str | None, version: int | None, remark: str, override: str, request: gr.Request
    ) -> tuple[str, str]:
        user = require(self.workspace, request, Role.REVIEWER)
        picked = self._picked(site, version)
        approve(
            self.workspace,
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
        user = require(self.workspace, request, Role.REVIEWER)
        picked = self._picked(site, version)
        reject(self.workspace, site=picked.site, version=picked.version, actor=user, note=remark)
        gr.Info(f"Version {picked.version} was turned down; the champion stays.", title="Rejected")
        return ""

    @one_sentence_errors
    def roll_back(self, site: str | None, remark: str, request: gr.Request) -> str:
        user = require(self.workspace, request, Role.REVIEWER)
        champion = rollback(self.workspace, site=require_site(site), actor=user, note=remark)
        now = "The base model" if champion is None else f"Version {champion}"
        gr.Info(f"{now} is in force again.", title="Rolled back")
        return ""

    def _shown(self, candidate: Candidate | None) -> tuple[Markup, gr.Button, gr.Button]:
        """Return the evidence, and the buttons that decide on it: grey where nothing waits for a decision."""
        waits = candidate is not None and candidate.state is CandidateState.REQUESTED
        evidence = _evidence(self.workspace, candidate) if candidate else Markup("")
        return evidence, gr.Button(interactive=waits), gr.Button(interactive=waits)

    def _picked(self, site: str | None, version: int | None) -> Candidate:
        if version is None:
            raise PromotionError(
                expected="a version to decide on", found="none", remedy="request a promotion under Runs first"
            )
        return self.workspace.store.promotions.get(require_site(site), version)


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
        [
            _request(candidate),
            allowed_leaks_note(workspace, candidate.dataset_id),
            _gates(candidate),
            _figures(adapted, base),
            report_frame(workspace, candidate.run_id),
        ]
    )


def _request(candidate: Candidate) -> Markup:
    ids = {"run": candidate.run_id, "dataset": candidate.dataset_id, "adapter": candidate.adapter_digest}
    text = Markup("{} requested by <b>{}</b> on {}, compared with {} <span>· {}</span>").format(
        badge(*_STATES[candidate.state]),
        candidate.requested_by,
        time_of(candidate.requested_at),
        candidate.compared_with,
        Markup(" · ").join(Markup("{} {}").format(what, short_id(id_)) for what, id_ in ids.items() if id_),
    )
    remarks = ((candidate.requested_by, candidate.note), (candidate.decided_by, candidate.decision_note))
    told = (note(Markup("{}: “{}”").format(who, remark)) for who, remark in remarks if remark)
    return Markup('<p class="wb-line">{}</p>').format(text) + Markup("").join(told)


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
        (explained(text.title, text.meaning), _told(text, before.get(name)), _told(text, adapted.metrics.get(name)))
        for name, text in METRIC_TEXTS.items()
    ]
    title = Markup(
        "<h4>On {} held-out stills <span>in brackets: where the true value lies, with 95 % confidence</span></h4>"
    )
    return title.format(adapted.rows) + table(["figure", "base model", "with the adapter"], rows)


def _told(text: MetricText, interval: Interval | None) -> str:
    return "not measured" if interval is None else f"{text.number(interval.value)} ({text.bounds(interval)})"


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
            candidate.decision_note or "–",
        )
        for candidate in candidates
    ]
    return Markup("<h4>History</h4>") + table(
        ["version", "state", "requested by", "decided by", "at (UTC)", "request", "decision"], rows
    )


def _audit_trail(events: list[AuditEvent]) -> Markup:
    rows = [
        (event.sequence, time_of(event.at), event.actor, event.action, event.subject, _details(event))
        for event in events[: -_EVENTS_SHOWN - 1 : -1]
    ]
    return Markup("<details><summary>Audit trail: the newest {} of {} events</summary>{}</details>").format(
        len(rows), len(events), table(["#", "at (UTC)", "who", "did what", "to", "details"], rows)
    )


def _details(event: AuditEvent) -> str:
    return ", ".join(f"{name}: {_plain(value)}" for name, value in event.detail.items() if value) or "–"


def _plain(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
