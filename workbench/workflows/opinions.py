"""What a model thinks of a site's frames, asked once for each frame and model and kept."""

import hashlib
import json
from collections.abc import Sequence

from workbench.domain import Site
from workbench.footage.pictures import decode_image
from workbench.models.opinions import form_opinions
from workbench.models.vlm import Vlm
from workbench.progress import Progress
from workbench.store import KeptOpinion
from workbench.workflows.workspace import Workspace

__all__ = ["OpinionKeeper"]

_AT_ONCE = 32


class OpinionKeeper:
    """Asks ``vlm`` about frames of ``site`` and keeps what it says, also of work that is cut off."""

    def __init__(self, workspace: Workspace, site: Site, vlm: Vlm) -> None:
        self._workspace, self._site, self._vlm = workspace, site, vlm
        told = json.dumps([vlm.version, vlm.manner, site.class_names])
        self._asked_as = hashlib.sha256(told.encode()).hexdigest()

    @property
    def model_version(self) -> str:
        return self._vlm.version

    def of(self, frame_ids: Sequence[str], *, captions: bool, progress: Progress) -> list[KeptOpinion]:
        """Return what the model thinks of each frame; with ``captions``, which take longest, these too.

        Raises StorageError when a picture is gone.
        """
        known = self._workspace.store.opinions.of(frame_ids, asked_as=self._asked_as)
        found = {id_: one for id_, one in known.items() if not captions or one.caption is not None}
        missing = [id_ for id_ in dict.fromkeys(frame_ids) if id_ not in found]
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            found |= self._ask(some, captions=captions)
            progress(start + len(some), len(missing), f"stills looked at by {self.model_version}")
        return [found[id_] for id_ in frame_ids]

    def _ask(self, frame_ids: Sequence[str], *, captions: bool) -> dict[str, KeptOpinion]:
        images = [decode_image(self._workspace.frame_files.read(id_)) for id_ in frame_ids]
        formed = form_opinions(self._vlm, images, self._site.class_names, captions=captions)
        kept = [
            KeptOpinion(id_, self._asked_as, self.model_version, **vars(opinion))
            for id_, opinion in zip(frame_ids, formed, strict=True)
        ]
        self._workspace.store.opinions.put(kept)
        return {one.picture_id: one for one in kept}
