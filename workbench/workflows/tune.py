"""Adapt a base model to a site's dataset, with a lineage that can be followed back from every weight."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from workbench.datasets.card import CARD_FILE
from workbench.datasets.disk import read_derived
from workbench.domain import DatasetVersion, LabelledFrame, Prediction, Site, Split
from workbench.models.vlm import Vlm
from workbench.progress import Progress, silent
from workbench.promotion.registry import ADAPTER_PATH
from workbench.recipe import Recipe, load_recipe
from workbench.tracking import RunLog
from workbench.tuning.adapter_files import verify_adapter
from workbench.tuning.tuner import Preflight, Prepared, Tuned, package_versions, prepare, tune_model
from workbench.workflows.build import dataset_of
from workbench.workflows.dataset_rows import load_rows
from workbench.workflows.golden import require_no_golden
from workbench.workflows.predict import base_source, decode_image, predict_images
from workbench.workflows.workspace import Workspace

__all__ = ["TuneResult", "tune"]

SAMPLES = 12

Announce = Callable[[Preflight], None]


@dataclass(frozen=True)
class TuneResult:
    """A finished run; ``best_step`` is the step of the kept weights, None without a validation split."""

    run_id: str
    adapter_dir: Path
    trainable_parameters: int
    steps: int
    seconds: float
    final_loss: float
    dataset_id: str
    best_step: int | None


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
) -> TuneResult:
    """Tune on the site's dataset version ``dataset_id`` (its beginning is enough; None: the latest).

    ``announce`` hears what is about to be trained before the first step. A run that fails at any point, the saving of
    its lineage included, leaves no adapter behind and is FAILED in MLflow.
    """
    recipe = load_recipe(recipe_path, overrides)
    known_site = workspace.store.sites.get(site)
    version = dataset_of(workspace, site, dataset_id)
    require_no_golden(workspace, version, progress=progress)
    with ExitStack() as undo, workspace.tracker.run(site, Path(recipe_path).stem, kind="tune") as run:
        progress(0, None, "loading the base model")
        source = base_source(workspace, recipe.base)
        prepared = prepare(recipe, source, known_site.class_names, *_rows(workspace, version))
        announce(prepared.preflight)
        _log_choices(run, recipe, prepared, version, actor)
        adapter_dir = workspace.settings.adapters_dir / run.id
        undo.callback(shutil.rmtree, adapter_dir, ignore_errors=True)
        samples = _samples(prepared)
        before = _say(prepared.vlm, known_site, samples)
        tuned = tune_model(
            prepared, adapter_dir, facts=_facts(prepared, version), sink=_metrics_sink(run), progress=progress
        )
        after = _say(tuned.vlm, known_site, samples)
        run.log_table(_compared(samples, before, after), "samples.json")
        _log_outcome(workspace, run, tuned)
        undo.pop_all()
    result = TuneResult(
        run_id=run.id,
        adapter_dir=adapter_dir,
        trainable_parameters=prepared.preflight.trainable_parameters,
        steps=tuned.steps,
        seconds=round(tuned.seconds, 1),
        final_loss=tuned.final_loss,
        dataset_id=version.id,
        best_step=tuned.best_step,
    )
    detail = {"site": site, "dataset_id": version.id, "recipe_digest": recipe.digest}
    workspace.store.audit.append(actor=actor, action="tune", subject=run.id, detail=detail)
    return result


def _rows(workspace: Workspace, version: DatasetVersion) -> tuple[Sequence[LabelledFrame], Sequence[LabelledFrame]]:
    return load_rows(workspace, version, Split.TRAIN), load_rows(workspace, version, Split.VALIDATION)


def _log_choices(run: RunLog, recipe: Recipe, prepared: Prepared, version: DatasetVersion, actor: str) -> None:
    preflight = prepared.preflight
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
    run.log_text(recipe.to_yaml(), "recipe.yaml")
    run.log_json(asdict(preflight), "preflight.json")
    run.log_json(package_versions(), "packages.json")


def _log_outcome(workspace: Workspace, run: RunLog, tuned: Tuned) -> None:
    """Save the adapter with the run, and prove that what was saved is what was trained."""
    run.log_metrics({"tune/seconds": tuned.seconds, "tune/steps": tuned.steps, "tune/final_loss": tuned.final_loss})
    run.log_folder(tuned.adapter_dir, ADAPTER_PATH)
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


def _metrics_sink(run: RunLog) -> Callable[[int, Mapping[str, float]], None]:
    return lambda step, metrics: run.log_metrics(metrics, step)


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
