"""Promotion on the real MLflow and the real store."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from workbench.domain import Candidate, CandidateState, DatasetVersion, Role, Site, Split, User, utc_now
from workbench.errors import (
    AccessError,
    ModelError,
    NotFoundError,
    PromotionError,
    StorageError,
    TrackingError,
    WorkbenchError,
)
from workbench.promotion.registry import MlflowRegistry
from workbench.tracking.entries import metrics_entry
from workbench.tracking.journal import Journal, Opening
from workbench.tuning.adapter_files import verify_adapter, write_manifest
from workbench.workflows.promote import approve, reject, request_promotion, rollback
from workbench.workflows.reconcile import AliasRepair, reconcile, verify
from workbench.workflows.workspace import Workspace

DATASET = DatasetVersion("d" * 64, "yard", None, "data/datasets/d", {Split.TEST: 40}, utc_now())


@pytest.fixture(autouse=True)
def _yard(yard: Site) -> None:
    """Every test here has the site ``yard``."""


@pytest.fixture
def people(workspace: Workspace) -> dict[str, User]:
    roles = {"erin": Role.ENGINEER, "rita": Role.REVIEWER, "rolf": Role.REVIEWER, "lars": Role.LABELLER}
    users = {name: User(name, frozenset({role})) for name, role in roles.items()}
    for user in users.values():
        workspace.store.users.add(user, password_hash="")
    return users


def tuned_run(workspace: Workspace, *, accuracy: float = 0.9, evaluated: bool = True) -> str:
    """Log what tuning and evaluation log; the adapter's weights do not matter here."""
    adapter = workspace.settings.home / "adapter"
    adapter.mkdir(exist_ok=True)
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    write_manifest(adapter)
    with workspace.tracker.run("yard", "tune", kind="tune") as run:
        run.log_params({"recipe_digest": "r" * 64, "base_version": "base-vlm@12345678"})
        run.log_dataset(DATASET, "training")
        run.log_folder(adapter, "adapter")
        if evaluated:
            run.log_metrics({**figures("test", accuracy), **figures("base_test", 0.4)})
            run.log_tags({"test.dataset_id": DATASET.id, "base_test.dataset_id": DATASET.id})
    return run.id


def figures(prefix: str, accuracy: float) -> dict[str, float]:
    found = {f"{prefix}/rows": 40.0}
    for name in ("class_accuracy", "macro_f1", "camera/north/class_accuracy"):
        found |= {f"{prefix}/{name}": accuracy, f"{prefix}/{name}_low": accuracy - 0.1, f"{prefix}/{name}_high": 1.0}
    return found


def aliases(workspace: Workspace) -> dict[str, int]:
    return MlflowRegistry(workspace.tracker).aliases("yard")


def requested(workspace: Workspace, people: dict[str, User], **run: float) -> Candidate:
    return request_promotion(workspace, site="yard", run_id=tuned_run(workspace, **run), actor=people["erin"])


def test_one_requests_and_another_approves(workspace: Workspace, people: dict[str, User]) -> None:
    run_id = tuned_run(workspace)
    candidate = request_promotion(workspace, site="yard", run_id=run_id[:10], actor=people["erin"], note="please")
    assert (candidate.run_id, candidate.dataset_id, candidate.compared_with) == (run_id, DATASET.id, "base")
    assert {gate.verdict for gate in candidate.gates} == {"pass"}
    assert aliases(workspace) == {"challenger": candidate.version}

    decided = approve(workspace, site="yard", version=candidate.version, actor=people["rita"], note="well done")

    assert (decided.state, decided.decided_by) == (CandidateState.APPROVED, "rita")
    assert (decided.note, decided.decision_note) == ("please", "well done")
    assert workspace.store.promotions.get("yard", candidate.version) == decided
    assert workspace.store.promotions.champion("yard") == candidate.version
    assert aliases(workspace) == {"champion": candidate.version}
    version = workspace.tracker.client.get_model_version("yard", str(candidate.version))
    assert (version.source, version.tags["approved_by"]) == (f"runs:/{run_id}/adapter", "rita")
    actions = [(event.action, event.actor) for event in workspace.store.audit.events("yard")]
    assert actions == [("promotion.request", "erin"), ("promotion.approve", "rita")]
    assert workspace.store.audit.verify() == 2


def test_the_adapters_digest_is_kept_in_ledger_audit_trail_and_registry(
    workspace: Workspace, people: dict[str, User]
) -> None:
    candidate = requested(workspace, people)
    approve(workspace, site="yard", version=candidate.version, actor=people["rita"])

    digest = verify_adapter(workspace.tracker.folder(candidate.run_id, "adapter"))
    assert workspace.store.promotions.get("yard", candidate.version).adapter_digest == digest
    assert {event.detail["adapter_digest"] for event in workspace.store.audit.events("yard")} == {digest}
    assert workspace.tracker.client.get_model_version("yard", str(candidate.version)).tags["adapter_digest"] == digest


def test_figures_that_are_on_their_way_are_not_passed_over(workspace: Workspace, people: dict[str, User]) -> None:
    run_id = tuned_run(workspace)
    opening = Opening(run_id, workspace.tracker.uri, ends_run=False)
    measuring = Journal.begin(workspace.settings.home / "mlruns" / "undelivered", opening)
    measuring.append(metrics_entry(figures("test", 0.1), 0, utc_now()))
    with pytest.raises(TrackingError, match="to have all that was logged on run"):
        request_promotion(workspace, site="yard", run_id=run_id, actor=people["erin"])
    measuring.close(remove=False)
    candidate = request_promotion(workspace, site="yard", run_id=run_id, actor=people["erin"])
    assert "fail" in {gate.verdict for gate in candidate.gates}


def test_an_altered_adapter_cannot_be_requested(workspace: Workspace, people: dict[str, User]) -> None:
    run_id = tuned_run(workspace)
    (workspace.tracker.folder(run_id, "adapter") / "adapter_model.safetensors").write_bytes(b"others")
    with pytest.raises(ModelError, match=r"altered: adapter_model\.safetensors"):
        request_promotion(workspace, site="yard", run_id=run_id, actor=people["erin"])
    assert workspace.store.promotions.all("yard") == []
    assert aliases(workspace) == {}


def test_nobody_approves_his_own_request(workspace: Workspace, people: dict[str, User]) -> None:
    candidate = request_promotion(workspace, site="yard", run_id=tuned_run(workspace), actor=people["rita"])
    with pytest.raises(AccessError, match="a reviewer other than rita"):
        approve(workspace, site="yard", version=candidate.version, actor=people["rita"])
    assert workspace.store.promotions.champion("yard") is None


def test_roles_are_those_in_the_store(workspace: Workspace, people: dict[str, User]) -> None:
    candidate = requested(workspace, people)
    pretender = User("lars", frozenset({Role.REVIEWER}))
    for refused in (people["erin"], pretender):
        with pytest.raises(AccessError, match="role reviewer"):
            approve(workspace, site="yard", version=candidate.version, actor=refused)
        with pytest.raises(AccessError, match="role reviewer"):
            reject(workspace, site="yard", version=candidate.version, actor=refused)
        with pytest.raises(AccessError, match="role reviewer"):
            rollback(workspace, site="yard", actor=refused)
    with pytest.raises(AccessError, match="role engineer or reviewer"):
        request_promotion(workspace, site="yard", run_id=candidate.run_id, actor=pretender)
    assert workspace.store.promotions.get("yard", candidate.version).state is CandidateState.REQUESTED


def test_a_decision_is_made_once(workspace: Workspace, people: dict[str, User]) -> None:
    candidate = requested(workspace, people)
    approve(workspace, site="yard", version=candidate.version, actor=people["rita"])
    for decide in (approve, reject):
        with pytest.raises(PromotionError, match="approved by rita"):
            decide(workspace, site="yard", version=candidate.version, actor=people["rolf"])
    assert aliases(workspace) == {"champion": candidate.version}


def test_of_concurrent_approvals_exactly_one_wins(workspace: Workspace, people: dict[str, User]) -> None:
    versions = [requested(workspace, people).version for _ in range(2)]
    attempts = [(version, name) for version in versions for name in ("rita", "rolf")]

    def attempt(version: int, name: str) -> int | None:
        try:
            return approve(workspace, site="yard", version=version, actor=people[name]).version
        except PromotionError:
            return None

    with ThreadPoolExecutor(max_workers=len(attempts)) as pool:
        won = [version for version in pool.map(lambda pair: attempt(*pair), attempts) if version is not None]

    assert won == [workspace.store.promotions.champion("yard")]
    assert aliases(workspace)["champion"] == won[0]
    assert [event.action for event in workspace.store.audit.events("yard")].count("promotion.approve") == 1


def test_a_candidate_compared_with_an_earlier_champion_is_refused(
    workspace: Workspace, people: dict[str, User]
) -> None:
    first, second = requested(workspace, people), requested(workspace, people)
    approve(workspace, site="yard", version=first.version, actor=people["rita"])
    with pytest.raises(PromotionError, match=f"request run {second.run_id} again"):
        approve(workspace, site="yard", version=second.version, actor=people["rita"])
    assert workspace.store.promotions.get("yard", second.version).state is CandidateState.REQUESTED


def test_unmet_conditions_need_a_reason_that_is_kept(workspace: Workspace, people: dict[str, User]) -> None:
    unmeasured = request_promotion(
        workspace, site="yard", run_id=tuned_run(workspace, evaluated=False), actor=people["erin"]
    )
    assert sum(gate.verdict == "no-evidence" for gate in unmeasured.gates) == 5
    with pytest.raises(PromotionError, match="no-evidence: The adapter chooses the right class"):
        approve(workspace, site="yard", version=unmeasured.version, actor=people["rita"], override="  ")

    approve(workspace, site="yard", version=unmeasured.version, actor=people["rita"], override="measured by hand")

    event = workspace.store.audit.events("yard")[-1]
    assert (event.action, event.detail["override"]) == ("promotion.approve", "measured by hand")
    assert "measured by hand" in workspace.store.promotions.get("yard", unmeasured.version).decision_note


def test_rejecting_keeps_the_champion(workspace: Workspace, people: dict[str, User]) -> None:
    first = requested(workspace, people)
    approve(workspace, site="yard", version=first.version, actor=people["rita"])
    second = requested(workspace, people)
    assert second.compared_with == f"version {first.version}"
    assert aliases(workspace) == {"champion": first.version, "challenger": second.version}
    reject(workspace, site="yard", version=second.version, actor=people["rita"], note="too slow")
    assert workspace.store.promotions.get("yard", second.version).decision_note == "too slow"
    assert aliases(workspace) == {"champion": first.version}


def test_rollback_walks_back_to_the_base(workspace: Workspace, people: dict[str, User]) -> None:
    versions = []
    for _ in range(2):
        versions.append(requested(workspace, people).version)
        approve(workspace, site="yard", version=versions[-1], actor=people["rita"])

    assert rollback(workspace, site="yard", actor=people["rolf"], note="complaints") == versions[0]
    assert aliases(workspace) == {"champion": versions[0]}
    assert rollback(workspace, site="yard", actor=people["rolf"]) is None
    assert aliases(workspace) == {}
    with pytest.raises(PromotionError, match="the base model is in force"):
        rollback(workspace, site="yard", actor=people["rolf"])
    assert workspace.store.audit.verify()


def test_an_alias_moved_by_hand_is_put_back_and_recorded(workspace: Workspace, people: dict[str, User]) -> None:
    first = requested(workspace, people)
    approve(workspace, site="yard", version=first.version, actor=people["rita"])
    second = requested(workspace, people)
    workspace.tracker.client.set_registered_model_alias("yard", "champion", str(second.version))

    found = verify(workspace, actor="root")

    assert found.repairs == (AliasRepair("yard", "champion", second.version, first.version),)
    assert aliases(workspace)["champion"] == first.version
    event = workspace.store.audit.events("yard")[-1]
    assert (event.action, event.actor, event.detail["found"]) == ("promotion.reconcile", "root", second.version)
    assert reconcile(workspace, "yard", actor="root") == ()


def test_a_decision_stands_when_the_alias_cannot_be_written(
    workspace: Workspace, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = requested(workspace, people)

    def refuse(*arguments: object) -> None:
        raise OSError("connection reset")

    with monkeypatch.context() as broken:
        broken.setattr(workspace.tracker.client, "set_registered_model_alias", refuse)
        with pytest.raises(
            TrackingError, match=r"connection reset.*workbench promote verify.*the decision itself stands"
        ):
            approve(workspace, site="yard", version=candidate.version, actor=people["rita"])

    assert workspace.store.promotions.champion("yard") == candidate.version
    assert [repair.alias for repair in verify(workspace, actor="root").repairs] == ["champion", "challenger"]
    assert aliases(workspace) == {"champion": candidate.version}


@pytest.mark.parametrize("column", ["actor", "detail"])
def test_an_edited_audit_row_is_found(workspace: Workspace, people: dict[str, User], column: str) -> None:
    requested(workspace, people)
    engine = create_engine(workspace.settings.resolved_database_url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE audit_events SET {column} = 'x' WHERE sequence = 1"))  # noqa: S608
    engine.dispose()
    with pytest.raises(StorageError, match="event 1"):
        verify(workspace, actor="root")


def test_only_finished_tuning_runs_of_the_site_are_promoted(
    workspace: Workspace, people: dict[str, User], tmp_path: Path
) -> None:
    with workspace.tracker.run("yard", "measured", kind="evaluate") as evaluation:
        pass
    with workspace.tracker.run("dock", "tuned elsewhere", kind="tune") as elsewhere:
        pass
    with pytest.raises(ZeroDivisionError), workspace.tracker.run("yard", "broken", kind="tune") as broken:
        raise ZeroDivisionError
    with workspace.tracker.run("yard", "no adapter", kind="tune") as empty:
        pass
    for run_id in (evaluation.id, elsewhere.id, broken.id, empty.id, "f" * 32):
        with pytest.raises(WorkbenchError):
            request_promotion(workspace, site="yard", run_id=run_id, actor=people["erin"])
    with pytest.raises(NotFoundError):
        request_promotion(workspace, site="nowhere", run_id=evaluation.id, actor=people["erin"])
    assert workspace.store.promotions.all("yard") == []
    assert aliases(workspace) == {}
