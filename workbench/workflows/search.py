"""Find a site's stills by what they show, in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np

from workbench.errors import UsageError
from workbench.models.dual_encoder import Embeddings
from workbench.progress import Progress, silent
from workbench.store import FrameFilter
from workbench.workflows.search_encoder import CURRENT, SiteEncoder, load_site_encoder
from workbench.workflows.workspace import Workspace

__all__ = ["Hit", "SearchResult", "find_frames", "similarities"]

_AT_ONCE = 2000


@dataclass(frozen=True)
class Hit:
    """A frame near to the text; ``similarity`` is a cosine, and ``class_name`` the class nearest to the frame."""

    frame_id: str
    camera: str
    clip: str
    offset_s: float
    taken_at: datetime
    similarity: float
    class_name: str


@dataclass(frozen=True)
class SearchResult:
    """``hits`` are nearest first, of so many frames ``looked_at``."""

    text: str
    model_version: str
    looked_at: int
    hits: tuple[Hit, ...]


def find_frames(
    workspace: Workspace,
    site: str,
    text: str,
    *,
    model: str = CURRENT,
    camera: str | None = None,
    most: int = 10,
    progress: Progress = silent,
) -> SearchResult:
    """Return the ``most`` frames of the site (or of one camera) that are nearest to ``text``.

    Frames that the encoder has not seen yet are looked at first, which is kept.
    """
    if not text.strip():
        raise UsageError(expected="words to search by", found="none", remedy='say e.g. "a truck at the gate"')
    class_names = workspace.store.sites.get(site).class_names
    if camera is not None:
        workspace.store.sites.camera(site, camera)
    searcher = load_site_encoder(workspace, site, model)
    wanted = searcher.encoder.embed_texts([text])[0]
    looked_at, nearest = 0, list[tuple[float, str, Embeddings]]()
    for ids in _divided(workspace.store.footage.frame_ids(site, FrameFilter(camera=camera))):
        embeddings = searcher.embeddings(workspace, ids, progress)
        found = embeddings @ wanted
        best = np.argsort(-found, kind="stable")[:most]
        nearest += [(float(found[row]), ids[row], embeddings[row]) for row in best]
        nearest = sorted(nearest, key=_rank)[:most]
        looked_at += len(ids)
    return SearchResult(
        text, searcher.encoder.version, looked_at, _hits(workspace, site, class_names, searcher, nearest)
    )


def similarities(
    workspace: Workspace, site: str, text: str, frame_ids: Sequence[str], progress: Progress = silent
) -> Embeddings:
    """Return ``[frames]``: how near each is to ``text``, to the encoder that the site has chosen."""
    searcher = load_site_encoder(workspace, site)
    near: Embeddings = searcher.embeddings(workspace, frame_ids, progress) @ searcher.encoder.embed_texts([text])[0]
    return near


def _hits(
    workspace: Workspace,
    site: str,
    class_names: Sequence[str],
    searcher: SiteEncoder,
    nearest: Sequence[tuple[float, str, Embeddings]],
) -> tuple[Hit, ...]:
    frames = workspace.store.footage.by_id(site, [frame_id for _, frame_id, _ in nearest])
    classes = searcher.encoder.embed_classes(class_names)
    return tuple(
        Hit(
            frame_id=frame_id,
            camera=frames[frame_id].camera,
            clip=frames[frame_id].clip_name,
            offset_s=frames[frame_id].offset_s,
            taken_at=frames[frame_id].taken_at,
            similarity=round(similarity, 4),
            class_name=class_names[int(np.argmax(classes @ embedding))],
        )
        for similarity, frame_id, embedding in nearest
    )


def _rank(found: tuple[float, str, Embeddings]) -> tuple[float, str]:
    return -found[0], found[1]


def _divided(ids: Iterator[str]) -> Iterator[list[str]]:
    while some := list(islice(ids, _AT_ONCE)):
        yield some
