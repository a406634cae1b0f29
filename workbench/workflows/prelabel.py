"""The current model's guess about frames that labellers are asked about."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from workbench.domain import Prediction, Site
from workbench.workflows.workspace import Workspace

if TYPE_CHECKING:
    from workbench.models.vlm import Vlm

__all__ = ["PreLabeller"]


class PreLabeller:
    """The site's champion, or the base while it has none; loaded when it is first asked."""

    def __init__(self, workspace: Workspace, site: Site) -> None:
        self._workspace, self._site = workspace, site

    @property
    def model_version(self) -> str:
        return self._vlm.version

    def guess(self, frame_ids: Sequence[str]) -> dict[str, Prediction]:
        """Return the model's prediction about each frame, by frame id."""
        from workbench.workflows.predict import decode_image, predict_images

        images = [decode_image(self._workspace.frame_files.read(frame_id)) for frame_id in frame_ids]
        predictions = predict_images(self._vlm, self._site, images, frame_ids)
        return {prediction.frame_id: prediction for prediction in predictions}

    @cached_property
    def _vlm(self) -> "Vlm":
        from workbench.workflows.predict import load_site_model

        return load_site_model(self._workspace, self._site.name)
