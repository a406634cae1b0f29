"""Frames as rows of their table, and the queries that choose among a million of them by an index."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, or_, select

from workbench.domain import Frame
from workbench.store.frame_filter import Cursor, FrameFilter
from workbench.store.tables import frames

__all__ = ["frame_to_row", "in_order", "row_to_frame", "those"]


def row_to_frame(row: Row[Any]) -> Frame:
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


def frame_to_row(frame: Frame) -> dict[str, object]:
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


def those(site: str, only: FrameFilter) -> list[ColumnElement[bool]]:
    """Return the conditions that a site's frames have to meet."""
    conditions = [frames.c.site == site]
    if only.clip_id is not None:
        conditions.append(frames.c.clip_id == only.clip_id)
    for column, value in ((frames.c.camera, only.camera), (frames.c.state, only.state and only.state.value)):
        if value is not None:
            conditions.append(column == value if only.clip_id is None else _unindexed(column) == value)
    if only.since is not None:
        conditions.append(frames.c.taken_at >= only.since)
    if only.until is not None:
        conditions.append(frames.c.taken_at <= only.until)
    return conditions


def in_order(
    site: str, only: FrameFilter, *, limit: int, after: Cursor | None = None, newest_first: bool = False
) -> Select[Any]:
    """Return the query of at most ``limit`` frames that follow ``after``.

    The place is named by the last frame seen and not by how many came before it, so that the thousandth page costs as
    little as the first and frames that arrive meanwhile move nothing.
    """
    time, frame_id = frames.c.taken_at, frames.c.id
    query = select(frames).limit(limit)
    query = query.order_by(time.desc(), frame_id.desc()) if newest_first else query.order_by(time, frame_id)
    if after is None:
        return query.where(*those(site, only))
    if newest_first:
        rest = replace(only, until=min(only.until or after.taken_at, after.taken_at))
        return query.where(*those(site, rest), or_(time != after.taken_at, frame_id < after.id))
    rest = replace(only, since=max(only.since or after.taken_at, after.taken_at))
    return query.where(*those(site, rest), or_(time != after.taken_at, frame_id > after.id))


def _unindexed(column: Column[str]) -> ColumnElement[str]:
    """Keep a database that knows nothing of how many frames a clip has from searching elsewhere than in the clip."""
    return column + ""
