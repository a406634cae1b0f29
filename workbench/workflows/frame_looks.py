"""How frames look: perceptual hash and embedding of each picture, kept in the catalogue and made where they lack."""

from collections.abc import Collection, Sequence
from functools import cached_property, partial
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from workbench.datasets.looks import Looks
from workbench.footage.fingerprints import HASH_BITS, picture_hash
from workbench.footage.pictures import decode_image
from workbench.models.model_files import model_digest
from workbench.progress import Progress, silent
from workbench.store import Print
from workbench.workflows.spreading import spread
from workbench.workflows.workspace import Workspace

if TYPE_CHECKING:
    from workbench.models.dual_encoder import DualEncoder

__all__ = ["encoder_digest", "looks_of", "prints_of"]

_AT_ONCE = 64


def looks_of(
    workspace: Workspace, frame_ids: Sequence[str], *, gone: Collection[str] = (), progress: Progress = silent
) -> Looks:
    """Return the looks of frames in the order of ``frame_ids``; those of pictures that are ``gone`` are not known.

    Raises StorageError when another picture cannot be read; what was made until then is kept.
    """
    found = prints_of(workspace, frame_ids, gone=gone, progress=progress)
    known = [found.get(frame_id) for frame_id in frame_ids]
    width = next((len(one.embedding) for one in known if one is not None), 0)
    nothing = Print("", "0" * (HASH_BITS // 4), np.zeros(width, np.float32), "")
    hashes = bytes.fromhex("".join((one or nothing).hash for one in known))
    return Looks(
        hashes=np.frombuffer(hashes, np.uint64).reshape(len(known), HASH_BITS // 64),
        embeddings=np.array([(one or nothing).embedding for one in known], np.float32).reshape(len(known), width),
        known=np.array([one is not None for one in known], np.bool_),
    )


def prints_of(
    workspace: Workspace, frame_ids: Sequence[str], *, gone: Collection[str] = (), progress: Progress = silent
) -> dict[str, Print]:
    """Return the prints of frames by their ids; missing ones are made, but those of pictures that are ``gone``.

    Raises StorageError when another picture cannot be read; what was made until then is kept.
    """
    encoder = encoder_digest(workspace)
    found = workspace.store.prints.of(frame_ids, encoder=encoder)
    missing = [frame_id for frame_id in dict.fromkeys(frame_ids) if frame_id not in found and frame_id not in gone]
    return found | (_made(workspace, missing, encoder, progress) if missing else {})


def encoder_digest(workspace: Workspace) -> str:
    """Return the digest of the dual encoder, under which its embeddings are kept."""
    return model_digest(workspace.settings.dual_encoder_dir)


def _made(workspace: Workspace, frame_ids: Sequence[str], encoder_digest: str, progress: Progress) -> dict[str, Print]:
    """Look at pictures that nobody looked at before."""
    look = _Looker(workspace, encoder_digest)
    there = partial(_Looker, encoder_digest=encoder_digest)
    prints = spread(workspace, frame_ids, here=look, there=there, at_once=_AT_ONCE)
    made: dict[str, Print] = {}
    while some := list(islice(prints, _AT_ONCE)):
        workspace.store.prints.put(some)
        made |= {one.picture_id: one for one in some}
        progress(len(made), len(frame_ids), "pictures looked at")
    return made


class _Looker:
    """Makes prints with the encoder of that digest, which is loaded when it is first asked to, and takes seconds."""

    def __init__(self, workspace: Workspace, encoder_digest: str) -> None:
        self._workspace, self._digest = workspace, encoder_digest

    def __call__(self, frame_ids: Sequence[str]) -> list[Print]:
        jpegs = [self._workspace.frame_files.read(frame_id) for frame_id in frame_ids]
        embeddings = self._encoder.embed_images([decode_image(jpeg) for jpeg in jpegs])
        return [
            Print(frame_id, picture_hash(jpeg), embeddings[row], self._digest)
            for row, (frame_id, jpeg) in enumerate(zip(frame_ids, jpegs, strict=True))
        ]

    @cached_property
    def _encoder(self) -> "DualEncoder":
        from workbench.models.dual_encoder import load_dual_encoder

        return load_dual_encoder(self._workspace.settings.dual_encoder_dir)
