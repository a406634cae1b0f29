"""The catalogue of clips and frames. A million frames stay quick: what a page shows is asked of an index."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, exists, func, or_, select, update

from workbench.domain import Clip, Frame
from workbench.errors import NotFoundError
from workbench.store.database import Database
from workbench.store.frame_filter import Cursor, FrameFilter, FrameState
from workbench.store.frame_references import follow
from workbench.store.frame_rows import frame_to_row, in_order, row_to_frame, those
from workbench.store.frame_states import refresh_states
from workbench.store.tables import cameras, clips, frames, label_tasks, sightings, sites

_EVERY_FRAME = FrameFilter()
_IDS_AT_ONCE = 5_000
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

    def clips_like(self, clip: Clip) -> list[Clip]:
        """Return the site's clips that have the id or the name of ``clip``."""
        query = select(clips).where(clips.c.site == clip.site, or_(clips.c.id == clip.id, clips.c.name == clip.name))
        return [_clip(row) for row in self._database.rows(query)]

    def lengthen(self, clip: Clip) -> None:
        """Remember that ``clip``, which is known, has grown to its ``duration_s``."""
        grown = update(clips).where(clips.c.site == clip.site, clips.c.id == clip.id)
        self._database.write(grown.where(clips.c.duration_s < clip.duration_s).values(duration_s=clip.duration_s))

    def add_frames(self, new: Sequence[Frame]) -> int:
        """Remember ``new`` frames and every instant at which they were seen; return how many were not known yet."""
        with self._database.transaction():
            added = self._database.insert(frames, [frame_to_row(frame) for frame in new])
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
        """Return all of a site's frames in the order in which they were taken; a million of them fill a gigabyte."""
        query = select(frames).where(frames.c.site == site).order_by(frames.c.taken_at, frames.c.id)
        if camera is not None:
            query = query.where(frames.c.camera == camera)
        if clip_id is not None:
            query = query.where(frames.c.clip_id == clip_id)
        return self._frames(query)

    def page(
        self,
        site: str,
        only: FrameFilter = _EVERY_FRAME,
        *,
        limit: int,
        after: Cursor | None = None,
        newest_first: bool = False,
    ) -> list[Frame]:
        """Return at most ``limit`` frames in the order in which they were taken, or in reverse.

        The next page begins ``after`` the last of them: ``Cursor.of(frame)``.
        """
        return self._frames(in_order(site, only, limit=limit, after=after, newest_first=newest_first))

    def newest_per_camera(self, site: str, limit: int) -> dict[str, list[Frame]]:
        """Return each camera's newest frames, newest first; a camera without frames has an empty list."""
        names = self._database.rows(select(cameras.c.name).where(cameras.c.site == site).order_by(cameras.c.name))
        return {name: self.page(site, FrameFilter(camera=name), limit=limit, newest_first=True) for (name,) in names}

    def count(self, site: str, only: FrameFilter = _EVERY_FRAME) -> int:
        return int(self._database.rows(select(func.count()).select_from(frames).where(*those(site, only)))[0][0])

    def counts_by_camera(self, site: str) -> dict[str, int]:
        """Return how many frames each camera has that has any."""
        query = (
            select(frames.c.camera, func.count().label("frames")).where(frames.c.site == site).group_by(frames.c.camera)
        )
        return {row.camera: row.frames for row in self._database.rows(query)}

    def taken_at(self, site: str, camera: str) -> list[datetime]:
        """Return when each frame of a camera was taken, in that order."""
        query = select(frames.c.taken_at).where(frames.c.site == site, frames.c.camera == camera)
        return [row.taken_at for row in self._database.rows(query.order_by(frames.c.taken_at))]

    def counts_by_state(self, site: str) -> dict[FrameState, int]:
        query = (
            select(frames.c.state, func.count().label("frames")).where(frames.c.site == site).group_by(frames.c.state)
        )
        found = {row.state: row.frames for row in self._database.rows(query)}
        return {state: found.get(state.value, 0) for state in FrameState}

    def frame_ids(self, site: str, only: FrameFilter = _EVERY_FRAME) -> Iterator[str]:
        """Yield the ids in the order in which the frames were taken, holding a few thousand of them at a time."""
        after: Cursor | None = None
        while True:
            query = in_order(site, only, limit=_IDS_AT_ONCE, after=after)
            rows = self._database.rows(query.with_only_columns(frames.c.taken_at, frames.c.id))
            yield from (row.id for row in rows)
            if len(rows) < _IDS_AT_ONCE:
                return
            after = Cursor(rows[-1].taken_at, rows[-1].id)

    def unasked(self, site: str, *, limit: int | None = None) -> list[str]:
        """Return the ids of frames that no label task asks about, oldest first."""
        asked = exists().where(label_tasks.c.site == frames.c.site, label_tasks.c.frame_id == frames.c.id)
        query = select(frames.c.id).where(frames.c.site == site, ~asked).order_by(frames.c.taken_at, frames.c.id)
        return [row.id for row in self._database.rows(query.limit(limit))]

    def by_id(self, site: str, frame_ids: Iterable[str]) -> dict[str, Frame]:
        """Return those of ``frame_ids`` that the catalogue has, with their frames."""
        query = select(frames).where(frames.c.site == site)
        return {row.id: row_to_frame(row) for row in self._database.rows_among(query, frames.c.id, frame_ids)}

    def known(self, site: str, frame_ids: Iterable[str]) -> set[str]:
        """Return those of ``frame_ids`` that the catalogue has."""
        query = select(frames.c.id).where(frames.c.site == site)
        return {row.id for row in self._database.rows_among(query, frames.c.id, frame_ids)}

    def beginning(self, site: str, beginning: str) -> list[str]:
        """Return the ids that begin so, at most two of them: enough to see whether it is the only one."""
        follows = frames.c.id.between(beginning, beginning + "g")
        query = select(frames.c.id).where(frames.c.site == site, follows).order_by(frames.c.id).limit(2)
        return [row.id for row in self._database.rows(query)]

    def in_no_site(self, picture_ids: Iterable[str]) -> set[str]:
        """Return those of ``picture_ids`` that no site's catalogue has."""
        lost = set(picture_ids)
        for (site,) in self._database.rows(select(sites.c.name)):
            lost -= self.known(site, lost)
        return lost

    def sites_with(self, frame_id: str) -> list[str]:
        """Return the sites that have this picture; it lies in one file for all of them."""
        has = exists().where(frames.c.site == sites.c.name, frames.c.id == frame_id)
        return [row.name for row in self._database.rows(select(sites.c.name).where(has).order_by(sites.c.name))]

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
        return self.frames_at(site, clip_name, [offset_s]).get(offset_s)

    def frames_at(self, site: str, clip_name: str, offsets_s: Collection[float]) -> dict[float, Frame]:
        """Return the frames of :meth:`frame_at` by the offsets asked for."""
        if not offsets_s:
            return {}
        earliest_s, latest_s = min(offsets_s) - _SAME_INSTANT_S, max(offsets_s) + _SAME_INSTANT_S
        query = (
            select(sightings.c.offset_s, sightings.c.frame_id)
            .where(sightings.c.site == site, sightings.c.clip_name == clip_name)
            .where(sightings.c.offset_s.between(earliest_s, latest_s))
            .order_by(sightings.c.offset_s)
        )
        seen = self._database.rows(query)
        seen_s = [row.offset_s for row in seen]
        nearest: dict[float, str] = {}
        for offset_s in offsets_s:
            after = bisect_left(seen_s, offset_s)
            around = range(max(after - 1, 0), min(after + 1, len(seen_s)))
            index = min(around, key=lambda one: abs(seen_s[one] - offset_s), default=None)
            if index is not None and abs(seen_s[index] - offset_s) <= _SAME_INSTANT_S:
                nearest[offset_s] = seen[index].frame_id
        frames = self.by_id(site, nearest.values())
        return {offset_s: frames[frame_id] for offset_s, frame_id in nearest.items()}

    def replace(self, site: str, new_frames: Mapping[str, Frame]) -> int:
        """Put new frames in the place of the old ids that they stand beside, and return how many old ones went.

        A picture that was covered has other bytes and so another id; whatever is known of the old frame (sightings,
        tasks, answers, and so on) follows to the new one, wholly or not at all. Old ids that the catalogue has not are
        left out, so that a run that was cut off is completed by running it again. A new id that is there already takes
        the old one's rows in; where both have a row that there can be only one of, its own stays.
        """
        with self._database.transaction():
            known = self.known(site, new_frames)
            new = {old_id: frame for old_id, frame in new_frames.items() if old_id in known and frame.id != old_id}
            for old_id, frame in new.items():
                self._database.insert(frames, [frame_to_row(frame)])
                follow(self._database, site, old_id, frame.id)
            refresh_states(self._database, site, {frame.id for frame in new.values()})
        return len(new)

    def _frames(self, query: Select[Any]) -> list[Frame]:
        return [row_to_frame(row) for row in self._database.rows(query)]


def _clip(row: Row[Any]) -> Clip:
    return Clip(row.id, row.site, row.camera, row.name, row.started_at, row.duration_s, size_wh=(row.width, row.height))
