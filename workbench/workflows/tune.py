"""Adapt a base model to a site's dataset, with a lineage that can be followed back from every weight."""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from workbench.datasets.card import CARD_FILE
from workbench.datasets.disk import read_derived
from workbench.errors import UsageError
from workbench.progress import Progress, silent
from workbench.promotion.registry import ADAPTER_PATH
from workbench.recipe import Recipe
from workbench.recipe_file import load_any_recipe
from workbench.search_recipe import SearchRecipe
from workbench.tracking import RunLog, RunSummary
from workbench.tuning.adapter_files import RECIPE_FILE, verify_adapter
from workbench.tuning.packages import package_versions
from workbench.tuning.search_tuner import SearchPreflight
from workbench.tuning.tuner import Preflight
from workbench.workflows.build import dataset_of
from workbench.workflows.golden import require_no_golden
from workbench.workflows.launchers import launched
from workbench.workflows.run_kinds import TUNE, TUNE_SEARCH
from workbench.workflows.search_training import SearchAssignment
from workbench.workflows.training import Announce, Assignment, Listeners, Outcome, Warn
from workbench.workflows.workspace import Workspace

__all__ = ["TuneResult", "preflight", "resume", "tune"]


@dataclass(frozen=True)
class TuneResult:
    """A finished run; ``best_step`` is the step of the kept weights, None without a validation split.

    ``best_score`` is the best that the recipe's metric reached there; a loss has its sign turned.
    """

    run_id: str
    site: str
    adapter_dir: Path
    trainable_parameters: int
    steps: int
    seconds: float
    final_loss: float
    dataset_id: str
    best_step: int | None
    best_score: float | None
    kind: str = TUNE


def tune(
    workspace: Workspace,
    recipe_path: Path,
    *,
    site: str,
    overrides: Sequence[str] = (),
    dataset_id: str | None = None,
    actor: str,
    progress: Progress = silent,
    announce: Announce = lambda preflight: None,
    warn: Warn = lambda text: None,
    parent: str | None = None,
) -> TuneResult:
    """Tune on the site's dataset version ``dataset_id`` (its beginning is enough; None: the latest).

    In MLflow the run stands below ``parent``, where it is one of a sweep. ``announce`` hears what is about to be
    trained before the first step, and ``warn`` what went wrong without ending the run. A run that fails at any point,
    the saving of its lineage included, leaves no adapter behind and is FAILED in MLflow; from its checkpoints
    ``resume`` goes on.
    """
    assignment = _assignment(workspace, load_any_recipe(recipe_path, overrides), site, dataset_id, progress)
    with workspace.tracker.run(site, Path(recipe_path).stem, kind=_kind(assignment), parent=parent) as run:

        def begin(preflight: Preflight | SearchPreflight) -> None:
            announce(preflight)
            _log_choices(run, assignment, preflight, actor)

        result = _train(workspace, run, assignment, Listeners(begin, run.log_step, progress, warn))
    _record(workspace, "tune", assignment, result, actor)
    return result


def resume(
    workspace: Workspace,
    run_id: str,
    *,
    actor: str,
    progress: Progress = silent,
    announce: Announce = lambda preflight: None,
    warn: Warn = lambda text: None,
) -> TuneResult:
    """Go on with a run that was stopped (the beginning of its id is enough), from its newest valid checkpoint.

    What comes out is what an unbroken run gives, and its curves in MLflow have every step once. UsageError when the
    run has finished, still runs or is no tuning run; of two who ask at the same moment one goes on.
    """
    stopped, recipe_file = _stopped(workspace, run_id)
    assignment = _assignment(
        workspace, load_any_recipe(recipe_file), stopped.site, stopped.params["dataset_id"], progress
    )
    with ExitStack() as working:
        with workspace.turn("resume", stopped.site):
            _stopped(workspace, stopped.id)  # somebody else may have ended it in the meantime
            run = working.enter_context(workspace.tracker.resume(stopped.id))
        listeners = Listeners(announce, run.log_step, progress, warn)
        result = _train(workspace, run, replace(assignment, resumes=True), listeners)
    _record(workspace, "tune.resume", assignment, result, actor)
    return result


def preflight(
    workspace: Workspace,
    recipe_path: Path,
    *,
    site: str,
    overrides: Sequence[str] = (),
    dataset_id: str | None = None,
    progress: Progress = silent,
) -> Preflight | SearchPreflight:
    """Return what ``tune`` would do, checked as it checks it; nothing is trained or tracked."""
    found: list[Preflight | SearchPreflight] = []
    assignment = _assignment(workspace, load_any_recipe(recipe_path, overrides), site, dataset_id, progress)
    launched(workspace, assignment, Listeners(found.append, progress=progress))
    return found[-1]


def _stopped(workspace: Workspace, run_id: str) -> tuple[RunSummary, Path]:
    """Return the run to go on with and its recipe."""
    run = workspace.tracker.get(run_id)
    recipe_file = workspace.tracker.file(run.id, RECIPE_FILE)
    if run.kind not in (TUNE, TUNE_SEARCH) or run.state == "FINISHED" or recipe_file is None:
        raise UsageError(
            expected="a tuning run that was stopped after it had begun",
            found=f"run {run.id} ({run.kind}, {run.state})",
            remedy="look under Runs for one that failed or was cancelled, or start a new one",
        )
    return run, recipe_file


def _assignment(
    workspace: Workspace, recipe: Recipe | SearchRecipe, site: str, dataset_id: str | None, progress: Progress
) -> Assignment | SearchAssignment:
    known_site = workspace.store.sites.get(site)
    version = dataset_of(workspace, site, dataset_id)
    require_no_golden(workspace, version, progress=progress)
    if isinstance(recipe, SearchRecipe):
        return SearchAssignment(recipe, known_site, version)
    return Assignment(recipe, known_site, version)


def _kind(assignment: Assignment | SearchAssignment) -> str:
    return TUNE_SEARCH if isinstance(assignment, SearchAssignment) else TUNE


def _train(
    workspace: Workspace, run: RunLog, assignment: Assignment | SearchAssignment, listeners: Listeners
) -> TuneResult:
    """Tune, and save the adapter with the run; checkpoints are kept until both are done."""
    settings = workspace.settings
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, settings.adapters_dir / run.id, ignore_errors=True)
        try:
            outcome = launched(workspace, replace(assignment, run_id=run.id), listeners)
        except KeyboardInterrupt:
            listeners.warn(f"Stopped; `workbench tune --resume {run.id}` goes on.")
            raise
        assert outcome
        run.log_table(outcome.samples, "samples.json")
        _log_outcome(workspace, run, outcome)
        undo.pop_all()
    shutil.rmtree(settings.checkpoints_dir / run.id, ignore_errors=True)
    return TuneResult(
        run_id=run.id,
        site=assignment.site.name,
        adapter_dir=outcome.adapter_dir,
        trainable_parameters=outcome.trainable_parameters,
        steps=outcome.steps,
        seconds=round(outcome.seconds, 1),
        final_loss=outcome.final_loss,
        dataset_id=assignment.version.id,
        best_step=outcome.best_step,
        best_score=outcome.best_score,
        kind=_kind(assignment),
    )


def _record(
    workspace: Workspace, action: str, assignment: Assignment | SearchAssignment, result: TuneResult, actor: str
) -> None:
    detail = {"site": result.site, "dataset_id": result.dataset_id, "recipe_digest": assignment.recipe.digest}
    workspace.store.audit.append(actor=actor, action=action, subject=result.run_id, detail=detail)


def _log_choices(
    run: RunLog,
    assignment: Assignment | SearchAssignment,
    preflight: Preflight | SearchPreflight,
    actor: str,
) -> None:
    recipe, version = assignment.recipe, assignment.version
    run.log_params(
        {
            **{key: value for key, value in recipe.flat().items() if not key.startswith("parts.")},
            **{f"parts.{name}": part.train for name, part in recipe.parts.items()},
            "recipe_digest": recipe.digest,
            "base_version": preflight.base_version,
            "dataset_id": version.id,
            "contract": preflight.contract.digest,
            "trainable_parameters": preflight.trainable_parameters,
            "train_frames": preflight.train_frames,
            "validation_frames": preflight.validation_frames,
            "steps": preflight.steps,
            "started_by": actor,
        }
    )
    run.log_dataset(version, "training")
    if card := read_derived(version, CARD_FILE):
        run.log_text(card, f"dataset/{CARD_FILE}")
    run.log_text(recipe.to_yaml(), RECIPE_FILE)
    run.log_json(asdict(preflight), "preflight.json")
    run.log_json(package_versions(), "packages.json")


def _log_outcome(workspace: Workspace, run: RunLog, outcome: Outcome) -> None:
    """Save the adapter with the run, and prove that what was saved is what was trained."""
    figures = {"tune/seconds": outcome.seconds, "tune/steps": outcome.steps, "tune/final_loss": outcome.final_loss}
    run.log_metrics(figures)
    run.log_folder(outcome.adapter_dir, ADAPTER_PATH)
    if run.is_delivered:
        verify_adapter(workspace.tracker.folder(run.id, ADAPTER_PATH))
