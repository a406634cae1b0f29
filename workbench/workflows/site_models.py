"""Which model of a site a word means: its base, its champion, or the adapter of a run."""

from workbench.domain import Candidate
from workbench.errors import UsageError
from workbench.recipe import EMBEDDED, Base
from workbench.tracking import RunSummary
from workbench.workflows.run_kinds import TUNE_SEARCH
from workbench.workflows.workspace import Workspace

__all__ = ["BASE", "CHAMPION", "base_source", "champion_of", "tuned_run"]

BASE, CHAMPION = "base", "champion"


def tuned_run(workspace: Workspace, site: str, model: str) -> RunSummary | None:
    """Return the run whose adapter ``model`` names; None where that is the base.

    UsageError for a run that tuned a dual encoder, which answers nothing.
    """
    if model == BASE:
        return None
    if model != CHAMPION:
        run = workspace.tracker.get(model)
        if run.kind == TUNE_SEARCH:
            raise UsageError(
                expected="a run that tuned the answering model",
                found=f"run {run.id[:12]}, which tuned a dual encoder",
                remedy="use it with `workbench search`",
            )
        return run
    champion = champion_of(workspace, site)
    return None if champion is None else workspace.tracker.get(champion.run_id)


def champion_of(workspace: Workspace, site: str) -> Candidate | None:
    """Return the candidate in force, None while the site has no champion."""
    version = workspace.store.promotions.champion(site)
    return None if version is None else workspace.store.promotions.get(site, version)


def base_source(workspace: Workspace, base: Base) -> str:
    """Return the directory or hub name of the model that a recipe's ``base`` section names."""
    return workspace.settings.resolved_base_model if base.model == EMBEDDED else base.model
