"""How frames look: perceptual hash and embedding of each picture, kept in the catalogue and made where they lack."""

import hashlib
from collections.abc import Collection, Sequence

import numpy as np

from workbench.datasets.looks import Looks
from workbench.footage.fingerprints import HASH_BITS, picture_hash
from workbench.progress import Progress, silent
from workbench.store import Print
from workbench.workflows.workspace import Workspace

__all__ = ["encoder_digest", "looks_of"]

_AT_ONCE = 64


def looks_of(
    workspace: Workspace, frame_ids: Sequence[str], *, gone: Collection[str] = (), progress: Progress = silent
) -> Looks:
    """Return the looks of frames in the order of ``frame_ids``; those of pictures that are ``gone`` are not known.

    Raises StorageError when another picture cannot be read; what was made until then is kept.
    """
    encoder = encoder_digest(workspace)
    found = workspace.store.prints.of(frame_ids, encoder=encoder)
    missing = [frame_id for frame_id in dict.fromkeys(frame_ids) if frame_id not in found and frame_id not in gone]
    if missing:
        found |= _made(workspace, missing, encoder, progress)
    known = [found.get(frame_id) for frame_id in frame_ids]
    width = next((len(one.embedding) for one in known if one is not None), 0)
    nothing = Print("", "0" * (HASH_BITS // 4), np.zeros(width, np.float32), encoder)
    hashes = bytes.fromhex("".join((one or nothing).hash for one in known))
    return Looks(
        hashes=np.frombuffer(hashes, np.uint64).reshape(len(known), HASH_BITS // 64),
        embeddings=np.array([(one or nothing).embedding for one in known], np.float32).reshape(len(known), width),
        known=np.array([one is not None for one in known], np.bool_),
    )


def encoder_digest(workspace: Workspace) -> str:
    """Return the SHA-256 of the dual encoder's weights, under which its embeddings are kept."""
    with (workspace.settings.dual_encoder_dir / "model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _made(workspace: Workspace, frame_ids: Sequence[str], encoder_digest: str, progress: Progress) -> dict[str, Print]:
    """Look at pictures that nobody looked at before; the model is loaded here, which takes seconds."""
    from workbench.models.dual_encoder import load_dual_encoder
    from workbench.workflows.predict import decode_image

    encoder = load_dual_encoder(workspace.settings.dual_encoder_dir)
    made: dict[str, Print] = {}
    for start in range(0, len(frame_ids), _AT_ONCE):
        some = frame_ids[start : start + _AT_ONCE]
        jpegs = [workspace.frame_files.read(frame_id) for frame_id in some]
        embeddings = encoder.embed_images([decode_image(jpeg) for jpeg in jpegs])
        prints = [
            Print(frame_id, picture_hash(jpeg), embeddings[row], encoder_digest)
            for row, (frame_id, jpeg) in enumerate(zip(some, jpegs, strict=True))
        ]
        workspace.store.prints.put(prints)
        made |= {one.picture_id: one for one in prints}
        progress(start + len(some), len(frame_ids), "pictures looked at")
    return made
