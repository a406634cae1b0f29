"""The part of a run that needs the model: the same in the process that was started and in each worker of a cluster."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import numpy as np

from workbench.domain import DatasetVersion, LabelledFrame, Prediction, Site, Split
from workbench.footage.pictures import decode_image
from workbench.models.vlm import Vlm
from workbench.progress import Progress, silent
from workbench.recipe import Recipe
from workbench.tuning.forward import mixed_precision
from workbench.tuning.loop import Checkpoints, MetricsSink
from workbench.tuning.packages import package_versions
from workbench.tuning.search_tuner import SearchPreflight
from workbench.tuning.tuner import Preflight, Prepared, prepare, tune_model
from workbench.tuning.workers import ALONE, Workers
from workbench.workflows.dataset_rows import load_rows
from workbench.workflows.general_frames import general_frames
from workbench.workflows.predict import predict_images
from workbench.workflows.site_models import base_source
from workbench.workflows.workspace import Workspace

__all__ = ["Announce", "Assignment", "Listeners", "Outcome", "Warn", "prepared_for", "train"]

SAMPLES = 12

Announce = Callable[[Preflight | SearchPreflight], None]
Warn = Callable[[str], None]


@dataclass(frozen=True)
class Assignment:
    """What is to be trained, in values that can be sent elsewhere; without a ``run_id`` its preflight is all."""

    recipe: Recipe
    site: Site
    version: DatasetVersion
    run_id: str | None = None
    resumes: bool = False


@dataclass(frozen=True)
class Listeners:
    """Who hears what while a run goes on."""

    announce: Announce = lambda preflight: None
    sink: MetricsSink = lambda step, metrics: None
    progress: Progress = silent
    warn: Warn = lambda text: None


@dataclass(frozen=True)
class Outcome:
    """What came out; the adapter lies in the workspace. ``samples`` are some frames before and after."""

    adapter_dir: Path
    trainable_parameters: int
    steps: int
    seconds: float
    final_loss: float
    best_step: int | None
    best_score: float | None
    samples: Sequence[Mapping[str, object]]


def train(
    workspace: Workspace, assignment: Assignment, listeners: Listeners, workers: Workers = ALONE
) -> Outcome | None:
    """Prepare, train and save the adapter; None after a preflight alone, and where another worker leads."""
    prepared = prepared_for(workspace, assignment, listeners.progress, workers)
    listeners.announce(prepared.preflight)
    if assignment.run_id is None:
        return None
    adapter_dir = workspace.settings.adapters_dir / assignment.run_id
    checkpoints_dir = workspace.settings.checkpoints_dir / assignment.run_id
    resumes = assignment.resumes or checkpoints_dir.exists()  # lost workers are replaced in the middle of a run
    samples = _samples(prepared) if workers.leads else []
    with mixed_precision(prepared.model, assignment.recipe.training):
        before = _say(prepared.vlm, assignment.site, samples) if samples else []
    if workers.leads:
        shutil.rmtree(adapter_dir, ignore_errors=True)
    tuned = tune_model(
        prepared,
        adapter_dir,
        facts=_facts(prepared, assignment.version),
        sink=listeners.sink,
        progress=listeners.progress,
        warn=listeners.warn,
        checkpoints=Checkpoints(checkpoints_dir, resumes, _identity(assignment, prepared)),
    )
    if tuned is None:
        return None
    after = _say(tuned.vlm, assignment.site, samples)
    return Outcome(
        adapter_dir=adapter_dir,
        trainable_parameters=prepared.preflight.trainable_parameters,
        steps=tuned.steps,
        seconds=tuned.seconds,
        final_loss=tuned.final_loss,
        best_step=tuned.best_step,
        best_score=tuned.best_score,
        samples=_compared(samples, before, after),
    )


def prepared_for(
    workspace: Workspace, assignment: Assignment, progress: Progress = silent, workers: Workers = ALONE
) -> Prepared:
    """Return the model with fresh adapters, checked on the assignment's dataset."""
    progress(0, None, "loading the base model")
    recipe, version = assignment.recipe, assignment.version
    return prepare(
        recipe,
        base_source(workspace, recipe.base),
        assignment.site.class_names,
        load_rows(workspace, version, Split.TRAIN),
        load_rows(workspace, version, Split.VALIDATION),
        general_frames(recipe, progress=progress),
        features_dir=workspace.settings.features_dir,
        workers=workers,
    )


def _identity(assignment: Assignment, prepared: Prepared) -> Mapping[str, str]:
    return {
        "recipe": assignment.recipe.digest,
        "dataset": assignment.version.id,
        "base": prepared.preflight.base_version,
        "chat contract": prepared.vlm.contract.digest,
    }


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
    """Return some frames of each class of the validation split, or of the training split when there is none."""
    frames = sorted(prepared.validation or prepared.train, key=attrgetter("class_name"))
    chosen = np.linspace(0, len(frames) - 1, min(SAMPLES, len(frames))).round().astype(int)
    return [frames[place] for place in chosen]


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
