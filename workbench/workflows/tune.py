"""Adapt a base model to a site's dataset, with a lineage that can be followed back from every weight."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.datasets.card import CARD_FILE
from workbench.datasets.disk import read_derived
from workbench.domain import DatasetVersion, LabelledFrame, Prediction, Site, Split
from workbench.errors import UsageError
from workbench.models.vlm import Vlm
from workbench.progress import Progress, silent
from workbench.promotion.registry import ADAPTER_PATH
from workbench.recipe import Recipe
from workbench.recipe_file import load_recipe
from workbench.tracking import RunLog
from workbench.tuning.adapter_files import RECIPE_FILE, verify_adapter
from workbench.tuning.forward import mixed_precision
from workbench.tuning.loop import Checkpoints
from workbench.tuning.tuner import Preflight, Prepared, Tuned, package_versions, prepare, tune_model
from workbench.workflows.build import dataset_of
from workbench.workflows.dataset_rows import load_rows
from workbench.workflows.general_frames import general_frames
from workbench.workflows.golden import require_no_golden
from workbench.workflows.predict import base_source, decode_image, predict_images
from workbench.workflows.workspace import Workspace

__all__ = ["TuneResult", "preflight", "resume", "tune"]

KIND = "tune"
SAMPLES = 12

Announce = Callable[[Preflight], None]
Warn = Callable[[str], None]


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
    plan = _plan(workspace, load_recipe(recipe_path, overrides), site, dataset_id, progress)
    with workspace.tracker.run(site, Path(recipe_path).stem, kind=KIND, parent=parent) as run:
        prepared = _prepared(workspace, plan, progress)
        announce(prepared.preflight)
        _log_choices(run, plan, prepared, actor)
        result = _train(workspace, run, plan, prepared, progress=progress, warn=warn)
    _record(workspace, "tune", plan, result, actor)
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
    run has finished, still runs or is no tuning run.
    """
    stopped = workspace.tracker.get(run_id)
    recipe_file = workspace.tracker.file(stopped.id, RECIPE_FILE)
    if stopped.kind != KIND or stopped.state == "FINISHED" or recipe_file is None:
        raise UsageError(
            expected="a tuning run that was stopped after it had begun",
            found=f"run {stopped.id} ({stopped.kind}, {stopped.state})",
            remedy="look under Runs for one that failed or was cancelled, or start a new one",
        )
    plan = _plan(workspace, load_recipe(recipe_file), stopped.site, stopped.params["dataset_id"], progress)
    with workspace.tracker.resume(stopped.id) as run:
        prepared = _prepared(workspace, plan, progress)
        announce(prepared.preflight)
        result = _train(workspace, run, plan, prepared, resumes=True, progress=progress, warn=warn)
    _record(workspace, "tune.resume", plan, result, actor)
    return result


def preflight(
    workspace: Workspace,
    recipe_path: Path,
    *,
    site: str,
    overrides: Sequence[str] = (),
    dataset_id: str | None = None,
    progress: Progress = silent,
) -> Preflight:
    """Return what ``tune`` would do, checked as it checks it; nothing is trained or tracked."""
    plan = _plan(workspace, load_recipe(recipe_path, overrides), site, dataset_id, progress)
    return _prepared(workspace, plan, progress).preflight


@dataclass(frozen=True)
class _Plan:
    recipe: Recipe
    site: Site
    version: DatasetVersion


def _plan(workspace: Workspace, recipe: Recipe, site: str, dataset_id: str | None, progress: Progress) -> _Plan:
    known_site = workspace.store.sites.get(site)
    version = dataset_of(workspace, site, dataset_id)
    require_no_golden(workspace, version, progress=progress)
    return _Plan(recipe, known_site, version)


def _prepared(workspace: Workspace, plan: _Plan, progress: Progress) -> Prepared:
    progress(0, None, "loading the base model")
    source = base_source(workspace, plan.recipe.base)
    general = general_frames(plan.recipe, progress=progress)
    return prepare(
        plan.recipe,
        source,
        plan.site.class_names,
        *_rows(workspace, plan.version),
        general,
        features_dir=workspace.settings.features_dir,
    )


def _train(
    workspace: Workspace,
    run: RunLog,
    plan: _Plan,
    prepared: Prepared,
    *,
    resumes: bool = False,
    progress: Progress,
    warn: Warn,
) -> TuneResult:
    """Tune, and save the adapter with the run; checkpoints are kept until both are done."""
    adapter_dir = workspace.settings.adapters_dir / run.id
    shutil.rmtree(adapter_dir, ignore_errors=True)
    checkpoints = Checkpoints(workspace.settings.checkpoints_dir / run.id, resumes, _identity(plan, prepared))
    with ExitStack() as undo:
        undo.callback(shutil.rmtree, adapter_dir, ignore_errors=True)
        samples = _samples(prepared)
        with mixed_precision(prepared.model, plan.recipe.training):
            before = _say(prepared.vlm, plan.site, samples)
        tuned = tune_model(
            prepared,
            adapter_dir,
            facts=_facts(prepared, plan.version),
            sink=lambda step, metrics: run.log_metrics(metrics, step),
            progress=progress,
            warn=warn,
            checkpoints=checkpoints,
        )
        after = _say(tuned.vlm, plan.site, samples)
        run.log_table(_compared(samples, before, after), "samples.json")
        _log_outcome(workspace, run, tuned)
        undo.pop_all()
    shutil.rmtree(checkpoints.directory, ignore_errors=True)
    return TuneResult(
        run_id=run.id,
        site=plan.site.name,
        adapter_dir=adapter_dir,
        trainable_parameters=prepared.preflight.trainable_parameters,
        steps=tuned.steps,
        seconds=round(tuned.seconds, 1),
        final_loss=tuned.final_loss,
        dataset_id=plan.version.id,
        best_step=tuned.best_step,
        best_score=tuned.best_score,
    )


def _record(workspace: Workspace, action: str, plan: _Plan, result: TuneResult, actor: str) -> None:
    detail = {"site": plan.site.name, "dataset_id": plan.version.id, "recipe_digest": plan.recipe.digest}
    workspace.store.audit.append(actor=actor, action=action, subject=result.run_id, detail=detail)


def _identity(plan: _Plan, prepared: Prepared) -> Mapping[str, str]:
    return {
        "recipe": plan.recipe.digest,
        "dataset": plan.version.id,
        "base": prepared.preflight.base_version,
        "chat contract": prepared.vlm.contract.digest,
    }


def _rows(workspace: Workspace, version: DatasetVersion) -> tuple[Sequence[LabelledFrame], Sequence[LabelledFrame]]:
    return load_rows(workspace, version, Split.TRAIN), load_rows(workspace, version, Split.VALIDATION)


def _log_choices(run: RunLog, plan: _Plan, prepared: Prepared, actor: str) -> None:
    preflight, recipe, version = prepared.preflight, plan.recipe, plan.version
    run.log_params(
        {
            **{key: value for key, value in recipe.flat().items() if not key.startswith("parts.")},
            **{f"parts.{name}": part.train for name, part in recipe.parts.items()},
            "recipe_digest": recipe.digest,
            "base_version": preflight.base_version,
            "dataset_id": version.id,
            "chat_contract": prepared.vlm.contract.digest,
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


def _log_outcome(workspace: Workspace, run: RunLog, tuned: Tuned) -> None:
    """Save the adapter with the run, and prove that what was saved is what was trained."""
    run.log_metrics({"tune/seconds": tuned.seconds, "tune/steps": tuned.steps, "tune/final_loss": tuned.final_loss})
    run.log_folder(tuned.adapter_dir, ADAPTER_PATH)
    if run.is_delivered:
        verify_adapter(workspace.tracker.folder(run.id, ADAPTER_PATH))


def _facts(prepared: Prepared, version: DatasetVersion) -> Mapping[str, object]:
    return {
        "base_model": prepared.recipe.base.model,
        "base_revision": prepared.recipe.base.revision,
        "base_version": prepared.preflight.base_version,
        "dataset_id": version.id,
        "recipe_digest": prepared.recipe.digest,
        "packages": package_versions(),
    }


def _samples(prepared: Prepared) -> Sequence[LabelledFrame]:
    """Return some frames spread over the validation split, or over the training split when there is none."""
    frames = prepared.validation or prepared.train
    stride = max(1, len(frames) // SAMPLES)
    return [frames[index] for index in range(0, len(frames), stride)][:SAMPLES]


def _say(vlm: Vlm, site: Site, frames: Sequence[LabelledFrame]) -> list[Prediction]:
    images = [decode_image(frame.image_jpeg) for frame in frames]
    return predict_images(vlm, site, images, [frame.frame_id for frame in frames])


def _compared(
    frames: Sequence[LabelledFrame], before: Sequence[Prediction], after: Sequence[Prediction]
) -> list[dict[str, object]]:
    return [
        {
            "frame_id": frame.frame_id,
            "camera": frame.camera,
            "class": frame.class_name,
            "class_before": said_before.class_name,
            "class_after": said_after.class_name,
            "caption": frame.caption,
            "caption_before": said_before.caption,
            "caption_after": said_after.caption,
        }
        for frame, said_before, said_after in zip(frames, before, after, strict=True)
    ]
