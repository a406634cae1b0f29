"""Ask that a run becomes its site's champion, decide on it, and take the decision back.

The ledger in the database is the truth: a decision is one transaction with its audit event and a compare-and-swap on
the champion. The registry's aliases are shown after it and put right whenever they differ from the ledger. Roles are
read from the store and enforced here, so that no face can forget them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from workbench.domain import Candidate, CandidateState, EvaluationReport, Gate, Role, User, utc_now
from workbench.errors import AccessError, DatasetError, NotFoundError, PromotionError, TrackingError
from workbench.promotion.evidence import Evidence, GoldenEvidence, report_from_metrics
from workbench.promotion.gates import judge, unmet
from workbench.promotion.registry import ADAPTER_PATH
from workbench.tracking import RunSummary
from workbench.tuning.adapter_files import verify_adapter
from workbench.workflows.golden import golden_seen_by
from workbench.workflows.measured import GOLDEN
from workbench.workflows.reconcile import reconcile, registry_of, show_ledger
from workbench.workflows.run_kinds import TUNE, TUNE_SEARCH
from workbench.workflows.workspace import Workspace

__all__ = ["approve", "reject", "request_promotion", "rollback"]

_BASE = "base"


def request_promotion(workspace: Workspace, *, site: str, run_id: str, actor: User, note: str = "") -> Candidate:
    """Register the run's adapter as a new version and judge it against the base and the champion.

    A request whose conditions are not met is recorded all the same: it is the reviewer who decides.
    """
    requester = _allowed(workspace, actor, Role.ENGINEER, Role.REVIEWER)
    run = _promotable_run(workspace, site, run_id)
    adapter_digest = verify_adapter(workspace.tracker.folder(run.id, ADAPTER_PATH))
    reconcile(workspace, site, actor=requester.name)
    champion = workspace.store.promotions.champion(site)
    gates = judge(_gather_evidence(workspace, run, champion))
    dataset_id = run.datasets.get("training", "")
    tags = {
        "requested_by": requester.name,
        "dataset_id": dataset_id,
        "adapter_digest": adapter_digest,
        "conditions": _told(gates),
    }
    candidate = Candidate(
        site=site,
        version=registry_of(workspace).register(site, run.id, tags),
        run_id=run.id,
        dataset_id=dataset_id,
        state=CandidateState.REQUESTED,
        compared_with=_name_of(champion),
        gates=gates,
        requested_by=requester.name,
        requested_at=utc_now(),
        note=note,
        adapter_digest=adapter_digest,
    )
    _record_request(workspace, candidate)
    with _recorded():
        show_ledger(workspace, site)
    return candidate


def approve(
    workspace: Workspace, *, site: str, version: int, actor: User, note: str = "", override: str = ""
) -> Candidate:
    """Make ``version`` the champion; conditions that are not met need the reviewer's reason in ``override``."""
    reviewer = _allowed(workspace, actor, Role.REVIEWER)
    candidate = workspace.store.promotions.get(site, version)
    _require_another_person(candidate, reviewer)
    _require_met_or_overridden(candidate, override)
    reconcile(workspace, site, actor=reviewer.name)
    note = "; ".join(filter(None, [note, override.strip() and f"conditions overridden: {override}"]))
    decided = _decided(candidate, CandidateState.APPROVED, reviewer, note)
    with workspace.store.transaction():
        workspace.store.promotions.decide(decided)
        champion = workspace.store.promotions.champion(site)
        _require_compared_with(candidate, champion)
        workspace.store.promotions.move_champion(site, expected=champion, new=version)
        _audit_decision(workspace, decided, "promotion.approve", replaces=_name_of(champion), override=override)
    with _recorded():
        show_ledger(workspace, site)
        registry_of(workspace).label(site, version, {"approved_by": reviewer.name})
    return decided


def reject(workspace: Workspace, *, site: str, version: int, actor: User, note: str = "") -> Candidate:
    """Turn the request for ``version`` down; the champion stays."""
    reviewer = _allowed(workspace, actor, Role.REVIEWER)
    reconcile(workspace, site, actor=reviewer.name)
    decided = _decided(workspace.store.promotions.get(site, version), CandidateState.REJECTED, reviewer, note)
    with workspace.store.transaction():
        workspace.store.promotions.decide(decided)
        _audit_decision(workspace, decided, "promotion.reject")
    with _recorded():
        show_ledger(workspace, site)
        registry_of(workspace).label(site, version, {"rejected_by": reviewer.name})
    return decided


def rollback(workspace: Workspace, *, site: str, actor: User, note: str = "") -> int | None:
    """Put the champion before the present one in force again; return its version, None for the base model."""
    reviewer = _allowed(workspace, actor, Role.REVIEWER)
    reconcile(workspace, site, actor=reviewer.name)
    with workspace.store.transaction():
        champion = workspace.store.promotions.champion(site)
        if champion is None:
            raise PromotionError(
                expected=f"a champion of {site} to take back",
                found="none: the base model is in force",
                remedy="nothing needs to be done",
            )
        previous = _version_of(workspace.store.promotions.get(site, champion).compared_with)
        workspace.store.promotions.move_champion(site, expected=champion, new=previous)
        detail = {"from": champion, "to": _name_of(previous), "note": note}
        workspace.store.audit.append(actor=reviewer.name, action="promotion.rollback", subject=site, detail=detail)
    with _recorded():
        show_ledger(workspace, site)
    return previous


def _allowed(workspace: Workspace, actor: User, *roles: Role) -> User:
    user = workspace.store.users.get(actor.name)
    if not user.roles.intersection(roles):
        raise AccessError(
            expected=f"a user with the role {' or '.join(roles)}",
            found=f"{user.name} with {', '.join(sorted(user.roles))}",
            remedy="ask someone who has it",
        )
    return user


def _promotable_run(workspace: Workspace, site: str, run_id: str) -> RunSummary:
    workspace.store.sites.get(site)
    run = workspace.tracker.get(run_id)
    if run.kind == TUNE_SEARCH:
        raise PromotionError(
            expected="a run that tuned the answering model, which is what a promotion puts in force",
            found=f"run {run.id[:12]}, which tuned a dual encoder",
            remedy=f"let {run.site} be searched with it by `workbench search use`",
        )
    if (run.site, run.kind, run.state) != (site, TUNE, "FINISHED"):
        raise PromotionError(
            expected=f"a finished tuning run of {site}",
            found=f"a {run.kind or 'foreign'} run of {run.site or 'no site'} that is {run.state}",
            remedy="name a run that `workbench tune` finished",
        )
    return _with_all_figures(workspace, run)


def _with_all_figures(workspace: Workspace, run: RunSummary) -> RunSummary:
    """Return ``run``; newer figures that are still on their way to MLflow would be passed over without a word."""
    if not workspace.tracker.knows_all_of(run.id):
        raise TrackingError(
            expected=f"MLflow to have all that was logged on run {run.id[:12]}",
            found="something of which it has yet to hear",
            remedy="let an evaluation come to its end, or run `workbench doctor`, and ask again",
        )
    return run


def _gather_evidence(workspace: Workspace, run: RunSummary, champion: int | None) -> Evidence:
    champion_report = None
    if champion is not None:
        champion_run = workspace.store.promotions.get(run.site, champion).run_id
        measured = _with_all_figures(workspace, workspace.tracker.get(champion_run))
        champion_report = _logged_report(measured, "test", f"version {champion}")
    return Evidence(
        site=run.site,
        run_id=run.id,
        trained_on=run.datasets.get("training"),
        recipe_digest=run.params.get("recipe_digest"),
        base_version=run.params.get("base_version"),
        candidate=_logged_report(run, "test", run.id),
        base=_logged_report(run, "base_test", run.params.get("base_version", _BASE)),
        champion_version=champion,
        champion=champion_report,
        golden=_golden_evidence(workspace, run),
    )


def _golden_evidence(workspace: Workspace, run: RunSummary) -> GoldenEvidence | None:
    sets = workspace.store.golden_sets.all(run.site)
    if not sets:
        return None
    return GoldenEvidence(
        set_id=sets[-1].id,
        seen=_golden_seen(workspace, run),
        candidate=_logged_report(run, GOLDEN, run.id),
        base=_logged_report(run, f"base_{GOLDEN}", run.params.get("base_version", _BASE)),
    )


def _golden_seen(workspace: Workspace, run: RunSummary) -> int | None:
    """Return how many frames that the run learnt from, or was chosen by, are near golden; None if they are gone."""
    try:
        return golden_seen_by(workspace, workspace.store.datasets.get(run.datasets.get("training") or "none"))[0]
    except (DatasetError, NotFoundError):
        return None


def _logged_report(run: RunSummary, prefix: str, model_version: str) -> EvaluationReport | None:
    dataset_id = run.tags.get(f"{prefix}.dataset_id")
    return report_from_metrics(run.metrics, prefix, model_version=model_version, dataset_id=dataset_id)


def _record_request(workspace: Workspace, candidate: Candidate) -> None:
    with workspace.store.transaction():
        if candidate.version in {known.version for known in workspace.store.promotions.all(candidate.site)}:
            raise PromotionError(
                expected=f"a new version number of {candidate.site} from MLflow",
                found=f"version {candidate.version}, which the ledger already has",
                remedy="restore MLflow's database, which lost versions",
            )
        workspace.store.promotions.add(candidate)
        detail = {
            "version": candidate.version,
            "run_id": candidate.run_id,
            "dataset_id": candidate.dataset_id,
            "adapter_digest": candidate.adapter_digest,
            "compared_with": candidate.compared_with,
            "conditions": {gate.name: gate.verdict for gate in candidate.gates},
            "note": candidate.note,
        }
        workspace.store.audit.append(
            actor=candidate.requested_by, action="promotion.request", subject=candidate.site, detail=detail
        )


def _require_another_person(candidate: Candidate, reviewer: User) -> None:
    if reviewer.name == candidate.requested_by:
        raise AccessError(
            expected=f"a reviewer other than {candidate.requested_by}, who requested version {candidate.version}",
            found=reviewer.name,
            remedy="ask another reviewer",
        )


def _require_met_or_overridden(candidate: Candidate, override: str) -> None:
    if (open_gates := unmet(candidate.gates)) and not override.strip():
        raise PromotionError(
            expected=f"every condition of version {candidate.version} to be met, or a reason to override",
            found="; ".join(f"{gate.verdict}: {gate.name}" for gate in open_gates),
            remedy="reject it, or approve it with the reason (on the command line: --override)",
        )


def _require_compared_with(candidate: Candidate, champion: int | None) -> None:
    if candidate.compared_with != _name_of(champion):
        raise PromotionError(
            expected=f"version {candidate.version} to have been compared with the champion, {_name_of(champion)}",
            found=f"a comparison with {candidate.compared_with}",
            remedy=f"request run {candidate.run_id} again",
        )


def _decided(candidate: Candidate, state: CandidateState, reviewer: User, note: str) -> Candidate:
    return replace(candidate, state=state, decided_by=reviewer.name, decided_at=utc_now(), decision_note=note)


def _audit_decision(workspace: Workspace, decided: Candidate, action: str, **more: str) -> None:
    detail = {
        "version": decided.version,
        "run_id": decided.run_id,
        "adapter_digest": decided.adapter_digest,
        "note": decided.decision_note,
        **more,
    }
    workspace.store.audit.append(actor=str(decided.decided_by), action=action, subject=decided.site, detail=detail)


@contextmanager
def _recorded() -> Iterator[None]:
    try:
        yield
    except TrackingError as error:
        raise TrackingError(
            expected="the registry to show what the ledger has recorded",
            found=error.found,
            remedy="run `workbench promote verify` when MLflow answers again: the decision itself stands",
        ) from error


def _told(gates: tuple[Gate, ...]) -> str:
    return f"{len(gates) - len(unmet(gates))} of {len(gates)} met"


def _name_of(version: int | None) -> str:
    return _BASE if version is None else f"version {version}"


def _version_of(name: str) -> int | None:
    return None if name == _BASE else int(name.removeprefix("version "))
