"""The current model's guess about frames that labellers are asked about."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.domain import Prediction, Site
from workbench.errors import ModelError
from workbench.footage.pictures import decode_image
from workbench.models.model_files import deciding_files
from workbench.store import CurrentModel
from workbench.workflows.spreading import spread
from workbench.workflows.workspace import Workspace

if TYPE_CHECKING:
    from workbench.models.vlm import Vlm

__all__ = ["PreLabeller", "source_of"]


class PreLabeller:
    """The site's champion, or the base while it has none, as it is now; loaded when it is first asked to guess."""

    def __init__(self, workspace: Workspace, site: Site) -> None:
        self._workspace, self._site = workspace, site
        self._source = source_of(workspace, site.name)

    @property
    def model_version(self) -> str:
        """The version that the model has, or had when it was loaded last from the same source."""
        known = self._workspace.store.suggestions.model(self._site.name)
        return known.model_version if known and known.source == self._source else self._vlm.version

    @property
    def is_current(self) -> bool:
        """Whether the site's model and its classes are still those that this was made for."""
        is_same_site = self._workspace.store.sites.get(self._site.name) == self._site
        return is_same_site and source_of(self._workspace, self._site.name) == self._source

    def load(self) -> str:
        """Load the model, if that has not been done, and return its version."""
        return self._vlm.version

    def guesses(self, frame_ids: Sequence[str], *, at_once: int) -> Iterator[Prediction]:
        """Yield a prediction about each frame in order, ``at_once`` at a time; of many, on all machines there are."""
        there = partial(_loaded_there, site=self._site, version=self.model_version)
        return spread(self._workspace, frame_ids, here=self.guess, there=there, at_once=at_once)

    def guess(self, frame_ids: Sequence[str]) -> Sequence[Prediction]:
        """Return the model's prediction about each frame."""
        return _guessed(self._workspace, self._vlm, self._site, frame_ids)

    @cached_property
    def _vlm(self) -> "Vlm":
        from workbench.workflows.predict import load_site_model

        vlm = load_site_model(self._workspace, self._site.name)
        self._workspace.store.suggestions.set_model(self._site.name, CurrentModel(self._source, vlm.version))
        return vlm


def _loaded_there(workspace: Workspace, *, site: Site, version: str) -> Callable[[Sequence[str]], Sequence[Prediction]]:
    """Return what guesses on a machine of the cluster; ModelError where that has another model."""
    from workbench.workflows.predict import load_site_model

    vlm = load_site_model(workspace, site.name)
    if vlm.version != version:
        raise ModelError(
            expected=f"the model {version} of {site.name} on every machine of the cluster",
            found=f"{vlm.version} on one of them",
            remedy="give each machine the same base model, and try again if another model was promoted meanwhile",
        )
    return partial(_guessed, workspace, vlm, site)


def _guessed(workspace: Workspace, vlm: "Vlm", site: Site, frame_ids: Sequence[str]) -> list[Prediction]:
    from workbench.workflows.predict import predict_images

    images = [decode_image(workspace.frame_files.read(frame_id)) for frame_id in frame_ids]
    return predict_images(vlm, site, images, frame_ids)


def source_of(workspace: Workspace, site: str) -> str:
    """Return what tells, without loading it, whether the site's model is the same as before.

    It is the champion's number, or the name of the base with the sizes and times of its files.
    """
    champion = workspace.store.promotions.champion(site)
    if champion is not None:
        return f"champion {champion}"
    base = workspace.settings.resolved_base_model
    facts = [(file, file.stat()) for file in deciding_files(Path(base))]
    lines = [base, *(f"{file.name} {fact.st_size} {fact.st_mtime_ns}" for file, fact in facts)]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return f"base {digest}"
