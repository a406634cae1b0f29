"""The stills that the queue chooses among, and those that people were asked about already, by their looks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from workbench.domain import Frame
from workbench.footage.diversity import SAME_VIEW_DISTANCE, far_apart
from workbench.labeling.queue import evenly_limited
from workbench.labeling.signals import Floats
from workbench.progress import Progress
from workbench.store import FrameFilter, FrameState
from workbench.workflows.frame_looks import looks_of
from workbench.workflows.workspace import Workspace

__all__ = ["ASKED", "UNASKED", "Stills", "stills_of", "without_near_copies"]

ASKED = (FrameState.IN_LABELLING, FrameState.LABELLED)
UNASKED = (FrameState.UNLABELLED,)


@dataclass(frozen=True, eq=False)
class Stills:
    """Frames with embeddings ``[stills, width]`` of unit length, of so many ``found`` in the catalogue."""

    frames: tuple[Frame, ...]
    embeddings: Floats
    found: int

    @property
    def ids(self) -> list[str]:
        return [frame.id for frame in self.frames]

    @property
    def cameras(self) -> list[str]:
        return [frame.camera for frame in self.frames]

    def __len__(self) -> int:
        return len(self.frames)

    def of(self, rows: Sequence[int]) -> "Stills":
        return Stills(tuple(self.frames[row] for row in rows), self.embeddings[list(rows)], self.found)


def stills_of(
    workspace: Workspace, site: str, states: Sequence[FrameState], *, most: int, progress: Progress
) -> Stills:
    """Return the site's frames in these states; of more than ``most`` so many, of all cameras, evenly over the time."""
    footage = workspace.store.footage
    cameras = [camera.name for camera in workspace.store.sites.cameras(site)]
    counts = {
        (camera, state): footage.count(site, FrameFilter(camera=camera, state=state))
        for camera in cameras
        for state in states
    }
    limits = evenly_limited({f"{camera} {state}": count for (camera, state), count in counts.items()}, most)
    ids = [
        id_
        for (camera, state), count in counts.items()
        for id_ in _evenly(
            footage.frame_ids(site, FrameFilter(camera=camera, state=state)), count, limits[f"{camera} {state}"]
        )
    ]
    known = footage.by_id(site, ids)
    frames = tuple(known[id_] for id_ in ids if id_ in known)
    looks = looks_of(workspace, [frame.id for frame in frames], progress=progress)
    return Stills(frames, looks.embeddings.astype(np.float64), sum(counts.values()))


def without_near_copies(stills: Stills, asked: Stills) -> Stills:
    """Leave out stills that show what one of ``asked``, or one kept before, of the same camera shows already."""
    kept: list[int] = []
    of_asked = np.array(asked.cameras)
    for camera in dict.fromkeys(stills.cameras):
        rows = [row for row, name in enumerate(stills.cameras) if name == camera]
        known = asked.embeddings[of_asked == camera] if len(asked) else None
        apart = far_apart(
            stills.embeddings[rows].astype(np.float32),
            least_distance=SAME_VIEW_DISTANCE,
            known=known if known is None else known.astype(np.float32),
        )
        kept += [rows[place] for place in apart]
    return stills.of(sorted(kept))


def _evenly(ids: Iterator[str], count: int, most: int) -> Iterator[str]:
    """Yield ``most`` of ``count`` ids, evenly spread."""
    if most >= count:
        yield from islice(ids, count)
        return
    wanted = iter(np.linspace(0, count - 1, most).round().astype(int).tolist())
    place = next(wanted, None)
    for number, id_ in enumerate(ids):
        if number == place:
            yield id_
            place = next(wanted, None)
