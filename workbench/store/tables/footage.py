"""The catalogue of clips and frames, and what is known of their pictures."""

from sqlalchemy import JSON, Column, Float, ForeignKeyConstraint, Index, Integer, LargeBinary, String, Table, Text

from workbench.store.frame_filter import FrameState
from workbench.store.tables.schema import UtcDateTime, a_frame, metadata

__all__ = ["arrivals", "clips", "frames", "picture_prints", "samplings", "sightings"]

clips = Table(
    "clips",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("site", String(63), primary_key=True),
    Column("camera", String(63), nullable=False),
    Column("name", Text, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    ForeignKeyConstraint(["site", "camera"], ["cameras.site", "cameras.name"]),
    Index("clips_by_name", "site", "name"),
)

frames = Table(
    "frames",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("camera", String(63), nullable=False),
    Column("clip_id", String(64), nullable=False),
    Column("clip_name", Text, nullable=False),
    Column("offset_s", Float, nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("state", String(16), nullable=False, server_default=FrameState.UNLABELLED.value),
    ForeignKeyConstraint(["site", "camera"], ["cameras.site", "cameras.name"]),
    Index("frames_by_time", "site", "camera", "taken_at"),
    Index("frames_of_site_by_time", "site", "taken_at"),
    Index("frames_of_clip_by_time", "site", "clip_id", "taken_at"),
    Index("frames_by_state_and_time", "site", "state", "taken_at"),
    Index("frames_by_camera_state_and_time", "site", "camera", "state", "taken_at"),
)
"""``state`` follows from ``label_tasks`` and ``annotations`` (see ``frame_state``) and is kept beside the frame so that
a page of one state is one stretch of an index, however many frames there are."""

sightings = Table(
    "sightings",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("clip_name", String(255), primary_key=True),
    Column("offset_s", Float, primary_key=True),
    Column("frame_id", String(64), nullable=False),
    a_frame(),
    Index("sightings_of_frame", "site", "frame_id"),
)
"""Every instant at which a frame's bytes were seen: a still scene can give the same bytes more than once."""

picture_prints = Table(
    "picture_prints",
    metadata,
    Column("picture_id", String(64), primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("embedding", LargeBinary, nullable=False),
    Column("encoder", String(64), nullable=False),
)
"""What is computed of a picture to find near ones; ``picture_id`` is a frame's id, at whatever sites it is."""

arrivals = Table("arrivals", metadata, Column("picture_id", String(64), primary_key=True))
"""Pictures that are about to be written; one that stays here without a frame was left by a crash."""

samplings = Table(
    "samplings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", String(63), nullable=False),
    Column("camera", String(63), nullable=False),
    Column("source", Text, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("clips", JSON, nullable=False),
    Column("since", UtcDateTime),
    Column("until", UtcDateTime),
    Column("frames_found", Integer, nullable=False),
    Column("frames_added", Integer, nullable=False),
    Column("frames_known", Integer, nullable=False),
    Column("steps", JSON, nullable=False),
    Column("starts", JSON, nullable=False),
    Column("problems", JSON, nullable=False),
    Column("notes", JSON, nullable=False, server_default="[]"),
    ForeignKeyConstraint(["site", "camera"], ["cameras.site", "cameras.name"]),
    Index("samplings_of_site", "site", "id"),
)
