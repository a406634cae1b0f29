"""The part of a dual encoder's run that needs the model."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain import DatasetVersion, LabelledFrame, Site, Split
from workbench.footage.pictures import decode_image
from workbench.models.dual_encoder import DualEncoder
from workbench.recipe import EMBEDDED
from workbench.search_recipe import SearchBase, SearchRecipe
from workbench.tuning.loop import Checkpoints
from workbench.tuning.packages import package_versions
from workbench.tuning.search_tuner import PreparedSearch, prepare_search, tune_dual_encoder
from workbench.workflows.dataset_rows import load_rows
from workbench.workflows.training import Listeners, Outcome
from workbench.workflows.workspace import Workspace

__all__ = ["SearchAssignment", "encoder_source", "train_search"]

_SAMPLES = 12


@dataclass(frozen=True)
class SearchAssignment:
    """What is to be trained; without a ``run_id`` its preflight is all."""

    recipe: SearchRecipe
    site: Site
    version: DatasetVersion
    run_id: str | None = None
    resumes: bool = False


def train_search(workspace: Workspace, assignment: SearchAssignment, listeners: Listeners) -> Outcome | None:
    """Prepare, train and save the adapter; None after a preflight alone."""
    recipe, version = assignment.recipe, assignment.version
    listeners.progress(0, None, "loading the base model")
    prepared = prepare_search(
        recipe,
        encoder_source(workspace, recipe.base),
        assignment.site.class_names,
        load_rows(workspace, version, Split.TRAIN),
        load_rows(workspace, version, Split.VALIDATION),
        listeners.progress,
    )
    listeners.announce(prepared.preflight)
    if assignment.run_id is None:
        return None
    adapter_dir = workspace.settings.adapters_dir / assignment.run_id
    shutil.rmtree(adapter_dir, ignore_errors=True)
    if prepared.measure and not assignment.resumes:
        listeners.sink(0, {f"validation/{name}": value for name, value in prepared.measure().items()})
    samples = _samples(prepared)
    before = _said(prepared.encoder, prepared, samples)
    tuned = tune_dual_encoder(
        prepared,
        adapter_dir,
        facts=_facts(prepared, version),
        sink=listeners.sink,
        progress=listeners.progress,
        warn=listeners.warn,
        checkpoints=Checkpoints(
            workspace.settings.checkpoints_dir / assignment.run_id, assignment.resumes, _identity(prepared, version)
        ),
    )
    return Outcome(
        adapter_dir=adapter_dir,
        trainable_parameters=prepared.preflight.trainable_parameters,
        steps=tuned.steps,
        seconds=tuned.seconds,
        final_loss=tuned.final_loss,
        best_step=tuned.best_step,
        best_score=tuned.best_score,
        samples=_compared(samples, before, _said(tuned.encoder, prepared, samples)),
    )


def encoder_source(workspace: Workspace, base: SearchBase) -> str:
    """Return the directory or hub name of the dual encoder that a recipe's ``base`` section names."""
    return str(workspace.settings.dual_encoder_dir) if base.model == EMBEDDED else base.model


def _identity(prepared: PreparedSearch, version: DatasetVersion) -> Mapping[str, str]:
    return {
        "recipe": prepared.recipe.digest,
        "dataset": version.id,
        "base": prepared.preflight.base_version,
        "search contract": prepared.contract.digest,
    }


def _facts(prepared: PreparedSearch, version: DatasetVersion) -> Mapping[str, object]:
    return {
        "base_model": prepared.recipe.base.model,
        "base_revision": prepared.recipe.base.revision,
        "base_version": prepared.preflight.base_version,
        "dataset_id": version.id,
        "recipe_digest": prepared.recipe.digest,
        "packages": package_versions(),
    }


def _samples(prepared: PreparedSearch) -> Sequence[LabelledFrame]:
    """Return some frames spread over the validation split, or over the training split when there is none."""
    frames = prepared.validation or prepared.train
    stride = max(1, len(frames) // _SAMPLES)
    return [frames[place] for place in range(0, len(frames), stride)][:_SAMPLES]


def _said(encoder: DualEncoder, prepared: PreparedSearch, frames: Sequence[LabelledFrame]) -> list[tuple[str, str]]:
    """Return of each frame the nearest class and, among those of training, the nearest caption."""
    captions = prepared.objective.labels.captions
    images = encoder.embed_images([decode_image(frame.image_jpeg) for frame in frames])
    classes = np.argmax(images @ encoder.embed_classes(prepared.class_names).T, axis=1)
    nearest = np.argmax(images @ encoder.embed_texts(captions).T, axis=1)
    return [(prepared.class_names[place], captions[row]) for place, row in zip(classes, nearest, strict=True)]


def _compared(
    frames: Sequence[LabelledFrame], before: Sequence[tuple[str, str]], after: Sequence[tuple[str, str]]
) -> list[dict[str, object]]:
    return [
        {
            "frame_id": frame.frame_id,
            "camera": frame.camera,
            "class": frame.class_name,
            "class_before": class_before,
            "class_after": class_after,
            "caption": frame.caption,
            "caption_before": caption_before,
            "caption_after": caption_after,
        }
        for frame, (class_before, caption_before), (class_after, caption_after) in zip(
            frames, before, after, strict=True
        )
    ]
