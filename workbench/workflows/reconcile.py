"""Keep the registry's aliases equal to the ledger, which alone says what is in force.

MLflow lets everyone who may write to it move an alias, keeps no history and drops an alias with its version.
"""

from dataclasses import asdict, dataclass

from workbench.domain import CandidateState
from workbench.promotion.deployment import CHALLENGER, CHAMPION, DeploymentTarget
from workbench.promotion.registry import MlflowRegistry
from workbench.workflows.workspace import Workspace

__all__ = ["AliasRepair", "Verification", "reconcile", "registry_of", "show_ledger", "verify"]


@dataclass(frozen=True)
class AliasRepair:
    """An alias that the registry showed otherwise than the ledger; None stands for no version."""

    site: str
    alias: str
    found: int | None
    restored: int | None


@dataclass(frozen=True)
class Verification:
    """``events`` is the length of the audit chain, which holds."""

    events: int
    repairs: tuple[AliasRepair, ...]


def verify(workspace: Workspace, *, actor: str) -> Verification:
    """Check the whole audit chain (StorageError when it was tampered with) and put every site's aliases right."""
    workspace.store.audit.verify()
    sites = [site.name for site in workspace.store.sites.all()]
    repairs = [repair for site in sites for repair in reconcile(workspace, site, actor=actor)]
    return Verification(workspace.store.audit.verify(), tuple(repairs))


def reconcile(workspace: Workspace, site: str, *, actor: str) -> tuple[AliasRepair, ...]:
    """Record in the audit trail which aliases someone moved in the registry, and put them back."""
    repairs = _differences(workspace, site)
    for repair in repairs:
        workspace.store.audit.append(actor=actor, action="promotion.reconcile", subject=site, detail=asdict(repair))
    _put_right(workspace, repairs)
    return repairs


def show_ledger(workspace: Workspace, site: str) -> None:
    """Let the registry's aliases say what a decision has just changed in the ledger."""
    _put_right(workspace, _differences(workspace, site))


def registry_of(workspace: Workspace) -> DeploymentTarget:
    return MlflowRegistry(workspace.tracker)


def _differences(workspace: Workspace, site: str) -> tuple[AliasRepair, ...]:
    promotions = workspace.store.promotions
    waiting = [candidate.version for candidate in promotions.all(site) if candidate.state is CandidateState.REQUESTED]
    ledger = {CHAMPION: promotions.champion(site), CHALLENGER: max(waiting, default=None)}
    shown = registry_of(workspace).aliases(site)
    return tuple(
        AliasRepair(site, alias, shown.get(alias), version)
        for alias, version in ledger.items()
        if shown.get(alias) != version
    )


def _put_right(workspace: Workspace, repairs: tuple[AliasRepair, ...]) -> None:
    for repair in repairs:
        registry_of(workspace).point(repair.site, repair.alias, repair.restored)
