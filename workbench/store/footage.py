"""The catalogue of clips and frames."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, and_, func, select

from workbench.domain import Clip, Frame
from workbench.errors import NotFoundError
from workbench.store.database import Database
from workbench.store.tables import clips, frames, sightings

_SAME_INSTANT_S = 0.05


class Footage:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add_clip(self, clip: Clip) -> bool:
        """Remember ``clip`` and tell whether it is new."""
        width, height = clip.size_wh
        row = {
            "id": clip.id,
            "site": clip.site,
            "camera": clip.camera,
            "name": clip.name,
            "started_at": clip.started_at,
            "duration_s": clip.duration_s,
            "width": width,
            "height": height,
        }
        return bool(self._database.insert(clips, [row]))

    def clips(self, site: str, camera: str | None = None) -> list[Clip]:
        """Return a site's clips, oldest first."""
        query = select(clips).where(clips.c.site == site).order_by(clips.c.started_at, clips.c.name)
        if camera is not None:
            query = query.where(clips.c.camera == camera)
        return [_clip(row) for row in self._database.rows(query)]

    def add_frames(self, new: Sequence[Frame]) -> int:
        """Remember ``new`` frames and every instant at which they were seen; return how many were not known yet."""
        with self._database.transaction():
            added = self._database.insert(frames, [_frame_row(frame) for frame in new])
            self._database.insert(
                sightings,
                [
                    {
                        "site": frame.site,
                        "clip_name": frame.clip_name,
                        "offset_s": frame.offset_s,
                        "frame_id": frame.id,
                    }
                    for frame in new
                ],
            )
        return added

    def frames(self, site: str, *, camera: str | None = None, clip_id: str | None = None) -> list[Frame]:
        """Return a site's frames in the order in which they were taken."""
        query = select(frames).where(frames.c.site == site).order_by(frames.c.taken_at, frames.c.id)
        if camera is not None:
            query = query.where(frames.c.camera == camera)
        if clip_id is not None:
            query = query.where(frames.c.clip_id == clip_id)
        return self._frames(query)

    def get(self, site: str, frame_id: str) -> Frame:
        for frame in self._frames(select(frames).where(frames.c.site == site, frames.c.id == frame_id)):
            return frame
        raise NotFoundError(
            expected=f"a frame of site {site}",
            found=f"the unknown id {frame_id[:12]}",
            remedy="ingest its clip with `workbench ingest`",
        )

    def frame_at(self, site: str, clip_name: str, offset_s: float) -> Frame | None:
        """Return the frame seen in the clip within 0.05 s of ``offset_s`` seconds after its start, if any."""
        distance = func.abs(sightings.c.offset_s - offset_s)
        query = (
            select(frames)
            .join(sightings, and_(sightings.c.site == frames.c.site, sightings.c.frame_id == frames.c.id))
            .where(sightings.c.site == site, sightings.c.clip_name == clip_name, distance <= _SAME_INSTANT_S)
            .order_by(distance)
            .limit(1)
        )
        return next(iter(self._frames(query)), None)

    def _frames(self, query: Select[Any]) -> list[Frame]:
        return [_frame(row) for row in self._database.rows(query)]


def _clip(row: Row[Any]) -> Clip:
    return Clip(row.id, row.site, row.camera, row.name, row.started_at, row.duration_s, size_wh=(row.width, row.height))


def _frame(row: Row[Any]) -> Frame:
    return Frame(
        id=row.id,
        site=row.site,
        camera=row.camera,
        clip_id=row.clip_id,
        clip_name=row.clip_name,
        offset_s=row.offset_s,
        taken_at=row.taken_at,
        size_wh=(row.width, row.height),
    )


def _frame_row(frame: Frame) -> dict[str, object]:
    width, height = frame.size_wh
    return {
        "id": frame.id,
        "site": frame.site,
        "camera": frame.camera,
        "clip_id": frame.clip_id,
        "clip_name": frame.clip_name,
        "offset_s": frame.offset_s,
        "taken_at": frame.taken_at,
        "width": width,
        "height": height,
    }
