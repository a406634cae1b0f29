"""Stills on their way into the catalogue: covered pictures with their rows, some at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from workbench.domain import Camera, Clip, Frame
from workbench.errors import FootageError
from workbench.footage.pictures import Jpeg
from workbench.store import NamedPicture, picture_id
from workbench.workflows.workspace import Workspace

__all__ = ["HiddenAreasChangedError", "StillKeeper", "TakenStill"]

_AT_ONCE = 64


class HiddenAreasChangedError(FootageError):
    """What the camera hides was changed while its footage was read: the stills at hand show too much or too little."""


@dataclass(frozen=True)
class TakenStill:
    """A covered picture of ``clip``, found at ``instants_s``: seconds after its start, the picture's own first.

    ``file_name`` is that of the file that it is the whole of, empty for a still of a video.
    """

    clip: Clip
    jpeg: Jpeg
    instants_s: tuple[float, ...]
    file_name: str = ""

    @property
    def taken_at(self) -> datetime:
        return self.clip.started_at + timedelta(seconds=self.instants_s[0])

    @cached_property
    def id(self) -> str:
        return picture_id(self.jpeg.content)

    def frames(self) -> list[Frame]:
        clip = self.clip
        return [
            Frame(
                id=self.id,
                site=clip.site,
                camera=clip.camera,
                clip_id=clip.id,
                clip_name=clip.name,
                offset_s=round(instant_s, 6),
                taken_at=clip.started_at + timedelta(seconds=instant_s),
                size_wh=self.jpeg.size_wh,
            )
            for instant_s in self.instants_s
        ]


class StillKeeper:
    """Writes the stills of one camera; ``camera`` is as it was when its footage was first read.

    Pictures are announced, and then written in the transaction that makes them known, and only while the camera hides
    what it hid then: no crash leaves a picture that hiding an area would not find.
    """

    def __init__(self, workspace: Workspace, camera: Camera, *, actor: str) -> None:
        self.camera = camera
        self.clips: dict[str, Clip] = {}
        self.new_clips = 0
        self.kept = 0
        self.added = 0
        self.since: datetime | None = None
        self.until: datetime | None = None
        self._workspace = workspace
        self._actor = actor
        self._waiting: list[TakenStill] = []

    def keep(self, still: TakenStill) -> None:
        """Keep ``still``; it may wait in memory until :meth:`flush`."""
        self._waiting.append(still)
        if len(self._waiting) >= _AT_ONCE:
            self.flush(still.clip)

    def flush(self, clip: Clip) -> None:
        """Write what waits, and ``clip`` also when none of its stills was kept.

        Raises:
            HiddenAreasChangedError: The camera hides other areas now; what waited is gone.
            StorageError: A disk or database that refuses; what was written before stays.
        """
        stills, self._waiting = self._waiting, []
        clips = {still.clip.id: still.clip for still in stills} | {clip.id: clip}
        store, ids = self._workspace.store, [still.id for still in stills]
        store.arrivals.announce(ids)
        with store.transaction():
            self._require_same_areas(clip)
            for one in clips.values():
                self._put_clip(one)
            for still in stills:
                self._workspace.frame_files.write(still.jpeg.content)
            added = store.footage.add_frames([frame for still in stills for frame in still.frames()])
            named = [NamedPicture(one.clip.name, one.file_name, one.id) for one in stills if one.file_name]
            store.pictures.put(clip.site, named)
            store.arrivals.settle(ids)
        self._count(clips.values(), stills, added)

    def drop(self) -> None:
        """Throw away what waits."""
        self._waiting.clear()

    def _count(self, clips: Iterable[Clip], stills: Sequence[TakenStill], added: int) -> None:
        self.clips.update({clip.id: clip for clip in clips})
        self.kept += len(stills)
        self.added += added
        times = [still.taken_at for still in stills]
        self.since = min([*times, *([self.since] if self.since else [])], default=None)
        self.until = max([*times, *([self.until] if self.until else [])], default=None)

    def _put_clip(self, clip: Clip) -> None:
        store = self._workspace.store
        if not store.footage.add_clip(clip):
            store.footage.lengthen(clip)
            return
        self.new_clips += 1
        detail = {"camera": clip.camera, "clip": clip.name, "clip_id": clip.id}
        store.audit.append(actor=self._actor, action="clip.add", subject=clip.site, detail=detail)

    def _require_same_areas(self, clip: Clip) -> None:
        if self._workspace.store.sites.camera(clip.site, clip.camera) != self.camera:
            raise HiddenAreasChangedError(
                expected=f"what camera {clip.camera} hides to stay the same while {clip.name} is read",
                found="other hidden areas since",
                remedy="take the stills again; those read with the old ones were thrown away",
            )
