"""Try several recipes for a site: one run in MLflow, below which every trial is a run of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from workbench.domain import Split
from workbench.errors import (
    DatasetError,
    PreflightError,
    RecipeError,
    ServiceError,
    StorageError,
    WorkbenchError,
)
from workbench.progress import Progress, silent
from workbench.recipe import Recipe
from workbench.recipe_file import load_any_recipe
from workbench.recipe_needs import leftovers
from workbench.search_recipe import SearchRecipe
from workbench.tuning.search import Search, parse_space
from workbench.workflows.build import dataset_of
from workbench.workflows.run_kinds import SWEEP
from workbench.workflows.training import Warn
from workbench.workflows.tune import TuneResult, tune
from workbench.workflows.workspace import Workspace

__all__ = ["SweepResult", "Trial", "sweep"]

_METRIC = "training.metric_for_best_model"


@dataclass(frozen=True)
class Trial:
    """One combination: ``score`` is the best on the validation split, higher being better, and None where it failed."""

    number: int
    overrides: tuple[str, ...]
    run_id: str | None
    score: float | None
    failure: str = ""


@dataclass(frozen=True)
class SweepResult:
    """All trials in the order in which they were tried, and the best of them."""

    run_id: str
    metric: str
    trials: tuple[Trial, ...]
    best: Trial


def sweep(
    workspace: Workspace,
    recipe_path: Path,
    *,
    site: str,
    space: Sequence[str],
    trials: int | None = None,
    overrides: Sequence[str] = (),
    dataset_id: str | None = None,
    actor: str,
    progress: Progress = silent,
    warn: Warn = lambda text: None,
) -> SweepResult:
    """Tune once for every combination of ``space`` (see ``parse_space``), or for ``trials`` that Optuna proposes.

    A value that no recipe takes is refused before the first trial, and so is the metric: scores of different metrics
    cannot be compared. A trial that its preflight refuses, whose loss is no number, whose adapter proves wrong or whose
    values make no recipe together counts as failed and the sweep goes on; PreflightError when all of them failed. What
    would meet the next trial as well, a server or a disk that refuses, ends it.
    """
    known, recipe = parse_space(space), load_any_recipe(recipe_path, overrides)
    if _METRIC in known.keys:
        raise RecipeError(
            expected="one metric by which all trials are compared",
            found=f"{_METRIC} among what is tried",
            remedy=f"choose it with --set {_METRIC}=…",
        )
    for corner in known.corners:
        _require_effect(corner, load_any_recipe(recipe_path, [*overrides, corner]))
    if not known.keys or (not known.is_grid and not trials):
        raise RecipeError(
            expected="choices to try, or ranges with a number of trials",
            found=", ".join(space) or "nothing",
            remedy="add e.g. --try training.learning_rate=1e-3,3e-3, or --trials 10 to ranges",
        )
    version = dataset_of(workspace, site, dataset_id)
    if not version.rows.get(Split.VALIDATION, 0):
        raise DatasetError(
            expected="a validation split to choose the best trial by",
            found=f"none in dataset version {version.id[:12]}",
            remedy="label more clips and build the dataset again",
        )
    search = Search(known, trials=trials, seed=recipe.training.seed)
    tried: list[Trial] = []
    with workspace.tracker.run(site, f"{Path(recipe_path).stem} sweep", kind=SWEEP) as parent:
        parent.log_params({"space": "; ".join(space), "trials": search.trials, "dataset_id": version.id})
        try_one = partial(
            tune, workspace, recipe_path, site=site, dataset_id=version.id, actor=actor, progress=progress, warn=warn
        )
        for _ in range(search.trials):
            number, chosen = search.ask()
            trial = _try(partial(try_one, parent=parent.id), number, [*overrides, *chosen], chosen)
            search.tell(number, trial.score)
            tried.append(trial)
            parent.log_table([_row(one) for one in tried], "trials.json")
            if trial.score is not None:
                parent.log_step(number, {"sweep/score": trial.score})
        best = _best(tried)
        parent.log_tags({"best_run": best.run_id or ""})
    detail = {"site": site, "space": list(space), "trials": len(tried), "best_run": best.run_id}
    workspace.store.audit.append(actor=actor, action="sweep", subject=parent.id, detail=detail)
    return SweepResult(parent.id, recipe.training.metric_for_best_model, tuple(tried), best)


def _try(tuned: "partial[TuneResult]", number: int, overrides: Sequence[str], chosen: Sequence[str]) -> Trial:
    try:
        result = tuned(overrides=overrides)
    except (ServiceError, StorageError):
        raise
    except WorkbenchError as error:
        return Trial(number, tuple(chosen), None, None, str(error))
    return Trial(number, tuple(chosen), result.run_id, result.best_score)


def _require_effect(override: str, recipe: Recipe | SearchRecipe) -> None:
    """Refuse (RecipeError) to try a key whose values all give the same run."""
    if why := leftovers(recipe).get(override.partition("=")[0]):
        raise RecipeError(
            expected="keys to try that have an effect",
            found=f"that {why.removesuffix('.')}",
            remedy="choose what gives it one with --set, or try another key",
        )


def _best(trials: Sequence[Trial]) -> Trial:
    scored = [(trial.score, -trial.number, trial) for trial in trials if trial.score is not None]
    if not scored:
        raise PreflightError(
            expected="a trial that could be trained",
            found=f"that all {len(trials)} failed, the last one because: {trials[-1].failure}",
            remedy="correct the recipe or what the sweep tries",
        )
    return max(scored)[2]


def _row(trial: Trial) -> Mapping[str, object]:
    return {**asdict(trial), "overrides": ", ".join(trial.overrides)}
