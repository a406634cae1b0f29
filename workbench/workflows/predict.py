"""Ask the base, the champion or the adapter of any run about an image."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from workbench.domain import Prediction, Site
from workbench.errors import ModelError, UsageError
from workbench.footage.pictures import decode_image
from workbench.models.opinions import Opinion, form_opinions
from workbench.models.vlm import Vlm, load_vlm
from workbench.promotion.registry import ADAPTER_PATH
from workbench.recipe_file import load_recipe
from workbench.tracking import RunSummary
from workbench.tuning.adapter_files import RECIPE_FILE, verify_adapter
from workbench.tuning.tuner import loading_arguments
from workbench.workflows.site_models import CHAMPION, base_source, tuned_run
from workbench.workflows.workspace import Workspace

__all__ = ["load_site_model", "predict", "predict_images"]


def load_site_model(workspace: Workspace, site: str, model: str = CHAMPION) -> Vlm:
    """Load ``base``, ``champion`` (the base while the site has none) or the adapter of the run with that id.

    The champion is the ledger's, whatever the registry's alias says. ModelError when the adapter was altered, was
    tuned for other classes or for another base.
    """
    known_site = workspace.store.sites.get(site)
    run = tuned_run(workspace, site, model)
    if run is None:
        return load_vlm(workspace.settings.resolved_base_model)
    return _load_adapted(workspace, known_site, run)


def predict(workspace: Workspace, image_path: Path, *, site: str, model: str = CHAMPION) -> Prediction:
    """Return what the model says about the image file; UsageError when it is none."""
    known_site = workspace.store.sites.get(site)
    content, image = _read_image(image_path)
    vlm = load_site_model(workspace, site, model)
    return predict_images(vlm, known_site, [image], [hashlib.sha256(content).hexdigest()])[0]


def predict_images(vlm: Vlm, site: Site, images: Sequence[Image.Image], frame_ids: Sequence[str]) -> list[Prediction]:
    """Return a prediction for each RGB image, named by the frame id at the same place."""
    opinions = form_opinions(vlm, images, site.class_names, captions=True)
    return [_prediction(vlm, site, frame_id, one) for frame_id, one in zip(frame_ids, opinions, strict=True)]


def _prediction(vlm: Vlm, site: Site, frame_id: str, opinion: Opinion) -> Prediction:
    chosen = int(opinion.probabilities.argmax())
    return Prediction(
        frame_id=frame_id,
        class_name=site.class_names[chosen],
        caption=opinion.caption or "",
        model_version=vlm.version,
        score=float(opinion.probabilities[chosen]),
    )


def _load_adapted(workspace: Workspace, site: Site, run: RunSummary) -> Vlm:
    if run.site != site.name:
        raise ModelError(
            expected=f"a tuning run of {site.name}", found=f"run {run.id} of {run.site}", remedy="name another run"
        )
    adapter = workspace.tracker.folder(run.id, ADAPTER_PATH)
    _require_recorded(workspace, run, verify_adapter(adapter))
    base = load_recipe(adapter / RECIPE_FILE).base
    vlm = load_vlm(adapter=adapter, **loading_arguments(base, base_source(workspace, base)))
    _require_fit(vlm, site, run)
    return vlm


def _require_recorded(workspace: Workspace, run: RunSummary, adapter_digest: str) -> None:
    """Compare with what the ledger recorded when promotion was asked for: a manifest can be altered with its files."""
    for candidate in workspace.store.promotions.all(run.site):
        if candidate.run_id == run.id and candidate.adapter_digest not in ("", adapter_digest):
            raise ModelError(
                expected=f"the adapter {candidate.adapter_digest[:12]} that is version {candidate.version}",
                found=f"{adapter_digest[:12]} in run {run.id}",
                remedy="restore the run's files from a backup and find out who wrote to them",
            )


def _require_fit(vlm: Vlm, site: Site, run: RunSummary) -> None:
    if vlm.contract.class_names != site.class_names:
        raise ModelError(
            expected=f"an adapter for the classes of {site.name}: {', '.join(site.class_names)}",
            found=f"one for {', '.join(vlm.contract.class_names) or 'none'} in run {run.id}",
            remedy="tune again on a dataset of today's classes",
        )
    base_version = vlm.version.partition("+")[0]
    if (tuned_on := run.params.get("base_version", base_version)) != base_version:
        raise ModelError(
            expected=f"the base model {tuned_on} that run {run.id} was tuned on",
            found=base_version,
            remedy="restore that base model (WORKBENCH_BASE_MODEL) or tune again",
        )


def _read_image(path: Path) -> tuple[bytes, Image.Image]:
    try:
        content = path.read_bytes()
        return content, decode_image(content)
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        reason = "no image data" if isinstance(error, UnidentifiedImageError) else getattr(error, "strerror", None)
        raise UsageError(
            expected=f"an image file (JPEG, PNG) at {path}",
            found=(reason or str(error)).rstrip("."),
            remedy="name another file",
        ) from error
