"""Hand a tuned model to others, as an adapter or merged, if what is written answers as the adapter on its base does."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL.Image import Image

from workbench.datasets import ManifestRow, load_manifest
from workbench.domain import DatasetVersion, Site, Split, utc_now
from workbench.errors import DatasetError, UsageError
from workbench.footage.pictures import decode_image
from workbench.models.merging import load_merged, save_merged
from workbench.models.vlm import Vlm, load_vlm
from workbench.progress import Progress, silent
from workbench.promotion.registry import ADAPTER_PATH
from workbench.recipe import Recipe
from workbench.recipe_file import load_recipe
from workbench.tracking import RunSummary
from workbench.tuning.adapter_files import RECIPE_FILE, verify_adapter, write_manifest
from workbench.tuning.export_card import export_card
from workbench.tuning.parity import Answers, Parity, compare, require_parity, spread
from workbench.tuning.probing import ask
from workbench.tuning.tuner import loading_arguments
from workbench.workflows.build import dataset_of
from workbench.workflows.dataset_rows import frames_of, gone_from
from workbench.workflows.new_folder import require_empty, whole
from workbench.workflows.predict import load_site_model
from workbench.workflows.site_models import CHAMPION, base_source, tuned_run
from workbench.workflows.workspace import Workspace

__all__ = ["ModelExport", "export_model"]

PARITY_FILE = "parity.json"
_PROBES = 16
_ASKED = "forms of the model asked"


@dataclass(frozen=True)
class ModelExport:
    """What was written to ``folder``; ``parity`` tells of each form how far its answers are from the adapter's."""

    run_id: str
    folder: str
    form: str
    tolerance: float
    parity: tuple[Parity, ...]


@dataclass(frozen=True)
class _Source:
    """A tuning run with its adapter; ``loading`` are the arguments of ``load_vlm`` for its base."""

    run: RunSummary
    adapter: Path
    recipe: Recipe
    loading: Mapping[str, Any]


@dataclass(frozen=True)
class _Probe:
    frame_ids: tuple[str, ...]
    images: tuple[Image, ...]
    class_names: tuple[str, ...]

    def of(self, vlm: Vlm, form: str, reference: Answers | None = None) -> Answers:
        return ask(vlm, form, self.images, self.class_names, reference)


def export_model(
    workspace: Workspace,
    site: str,
    folder: Path,
    *,
    model: str = CHAMPION,
    merged: bool = True,
    actor: str,
    progress: Progress = silent,
) -> ModelExport:
    """Write the champion or the run ``model`` into ``folder``, whole or not at all.

    ``merged`` gives weights that transformers and vLLM load by themselves, in the recipe's ``base.dtype`` and not
    quantised; else it is the adapter. What was written is loaded again and asked about probe frames, and so are the
    merged weights in 4 bits where the recipe's base is held so. How they differ from the adapter goes to the run as
    ``parity.json``.

    Raises:
        UsageError: There is something in ``folder``, or the model is the base.
        ModelError: An answer is farther from the adapter's than the recipe's ``export.tolerance``.
        DatasetError: No frame of the run's dataset is left to ask about.
        StorageError: A full disk.
    """
    require_empty(folder)
    known_site = workspace.store.sites.get(site)
    source = _source(workspace, site, model)
    probe = _probe(workspace, known_site, source.run)
    reference = probe.of(load_site_model(workspace, site, source.run.id), "adapter")
    with whole(folder) as built:
        forms = (_merged_forms if merged else _adapter_forms)(source, built, probe, reference)
        found = tuple(_compared(reference, forms, progress))
        form, tolerance = "merged" if merged else "adapter", source.recipe.export.tolerance
        report = ModelExport(source.run.id, str(folder.resolve()), form, tolerance, found)
        figures = {**asdict(report), "frame_ids": probe.frame_ids, "exported_by": actor}
        with workspace.tracker.reopen(source.run.id) as run:
            run.log_json(figures, PARITY_FILE)
        require_parity(found, tolerance)
        card = export_card(
            _lineage(source, site, actor),
            found,
            tolerance,
            class_names=probe.class_names,
            merged_as=source.recipe.base.dtype if merged else None,
        )
        (built / PARITY_FILE).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        (built / "README.md").write_text(card, encoding="utf-8")
        write_manifest(built)
    detail = {"site": site, "form": form, "folder": report.folder, "largest": max(one.largest for one in found)}
    workspace.store.audit.append(actor=actor, action="export.model", subject=source.run.id, detail=detail)
    return report


def _source(workspace: Workspace, site: str, model: str) -> _Source:
    run = tuned_run(workspace, site, model)
    if run is None:
        raise UsageError(
            expected=f"a tuned model of {site}",
            found="its base, to which nothing was added",
            remedy="promote a run, or name one with --model",
        )
    adapter = workspace.tracker.folder(run.id, ADAPTER_PATH)
    recipe = load_recipe(adapter / RECIPE_FILE)
    return _Source(run, adapter, recipe, loading_arguments(recipe.base, base_source(workspace, recipe.base)))


def _probe(workspace: Workspace, site: Site, run: RunSummary) -> _Probe:
    """Choose frames that the run did not train on, evenly by their ids; trained ones where it has no others."""
    version = dataset_of(workspace, site.name, run.params.get("dataset_id"))
    rows = _left(workspace, version, (Split.VALIDATION, Split.TEST)) or _left(workspace, version, (Split.TRAIN,))
    if not rows:
        raise DatasetError(
            expected=f"frames of dataset version {version.id[:12]} to compare answers on",
            found="that all are gone",
            remedy="build anew with `workbench dataset build` and tune again",
        )
    chosen = [rows[place] for place in spread([row.frame_id for row in rows], _PROBES)]
    frames = frames_of(workspace, site.name, chosen, what=f"dataset version {version.id[:12]}")
    images = tuple(decode_image(frame.image_jpeg) for frame in frames)
    return _Probe(tuple(row.frame_id for row in chosen), images, site.class_names)


def _left(workspace: Workspace, version: DatasetVersion, splits: Sequence[Split]) -> list[ManifestRow]:
    manifest = load_manifest(version)
    rows = [row for split in splits for row in manifest.of(split)]
    gone = gone_from(workspace, version.site, rows)
    return [row for row in rows if row.frame_id not in gone]


def _merged_forms(source: _Source, built: Path, probe: _Probe, reference: Answers) -> Iterator[Answers]:
    """Write the merged weights into ``built``; only one model is held at a time."""
    merged = load_merged(adapter=source.adapter, **source.loading)
    yield probe.of(merged, "merged", reference)
    save_merged(merged, built)
    del merged
    dtype, quantization = source.loading["dtype"], source.loading["quantization"]
    yield probe.of(load_vlm(built, dtype=dtype), "reloaded", reference)
    if quantization:
        yield probe.of(load_vlm(built, dtype=dtype, quantization=quantization), "quantised", reference)


def _adapter_forms(source: _Source, built: Path, probe: _Probe, reference: Answers) -> Iterator[Answers]:
    shutil.copytree(source.adapter, built, dirs_exist_ok=True)
    yield probe.of(load_vlm(adapter=built, **source.loading), "reloaded", reference)


def _compared(reference: Answers, forms: Iterator[Answers], progress: Progress) -> Iterator[Parity]:
    progress(0, None, _ASKED)
    for done, answers in enumerate(forms, start=1):
        progress(done, None, _ASKED)
        yield compare(reference, answers)


def _lineage(source: _Source, site: str, actor: str) -> dict[str, str]:
    params, base = source.run.params, source.recipe.base
    return {
        "site": site,
        "run": source.run.id,
        "tuned by": params.get("started_by", "unknown"),
        "exported by": f"{actor}, {utc_now():%Y-%m-%d %H:%M} UTC",
        "dataset version": params.get("dataset_id", "unknown"),
        "base model": f"{base.model}{f' at {base.revision}' if base.revision else ''}",
        "base version": params.get("base_version", "unknown"),
        "recipe digest": params.get("recipe_digest", source.recipe.digest),
        "adapter digest": verify_adapter(source.adapter),
        "held as": f"{base.dtype}, tuned on a base in {base.quantization}"
        if base.quantization != "none"
        else base.dtype,
    }
