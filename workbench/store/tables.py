"""The tables. Times are stored as UTC and come back timezone-aware."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Exists,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    case,
    exists,
    false,
)

from workbench.store.frame_filter import FrameState

metadata = MetaData()

FILL = "fill"
"""Key of a column's ``info``: the expression that fills the column where a database of an earlier release lacks it."""


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware instant; SQLite keeps no zone, so UTC is what goes in and what comes out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"expected a timezone-aware time, got {value!r}")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


sites = Table(
    "sites",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("class_names", JSON, nullable=False),
    Column("labelstudio_project", Integer),
    Column("champion", Integer),
)

cameras = Table(
    "cameras",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("masks", JSON, nullable=False, server_default="[]"),
    Column("hides_faces", Boolean, nullable=False, server_default=false()),
)

streams = Table(
    "streams",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("camera", String(63), primary_key=True),
    Column("address", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    ForeignKeyConstraint(["site", "camera"], ["cameras.site", "cameras.name"]),
)
"""Where cameras stream: ``address`` is for people and names no password, ``sealed`` is the whole one, encrypted."""

live_recordings = Table(
    "live_recordings",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("camera", String(63), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("retry_in_s", Float),
    Column("reconnects", Integer, nullable=False),
    Column("stills_taken", Integer, nullable=False),
    Column("stills_dropped", Integer, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("born_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["site", "camera"], ["cameras.site", "cameras.name"]),
)

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


def _a_frame() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["site", "frame_id"], ["frames.site", "frames.id"])


sightings = Table(
    "sightings",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("clip_name", String(255), primary_key=True),
    Column("offset_s", Float, primary_key=True),
    Column("frame_id", String(64), nullable=False),
    _a_frame(),
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
    ForeignKeyConstraint(["site", "camera"], ["cameras.site", "cameras.name"]),
    Index("samplings_of_site", "site", "id"),
)

label_tasks = Table(
    "label_tasks",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("frame_id", String(64), primary_key=True),
    Column("task_id", Integer, nullable=False),
    Column("project_id", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    _a_frame(),
)

predictions = Table(
    "predictions",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("frame_id", String(64), primary_key=True),
    Column("model_version", String(255), primary_key=True),
    Column("class_name", String(63), nullable=False),
    Column("caption", Text, nullable=False),
    Column("score", Float, nullable=False),
    _a_frame(),
)

annotations = Table(
    "annotations",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("annotation_id", Integer, primary_key=True),
    Column("frame_id", String(64), nullable=False),
    Column("class_name", String(63), nullable=False),
    Column("caption", Text, nullable=False),
    Column("labeller", String(255), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    _a_frame(),
    Index("annotations_of_frame", "site", "frame_id"),
)


def _names_a_frame(table: Table) -> Exists:
    return exists().where(table.c.site == frames.c.site, table.c.frame_id == frames.c.id)


frame_state = case(
    (_names_a_frame(annotations), FrameState.LABELLED.value),
    (_names_a_frame(label_tasks), FrameState.IN_LABELLING.value),
    else_=FrameState.UNLABELLED.value,
)
"""What a row of ``frames`` has to hold as its ``state``."""

frames.c.state.info[FILL] = frame_state

split_pins = Table(
    "split_pins",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("frame_id", String(64), primary_key=True),
    Column("split", String(16), nullable=False),
    _a_frame(),
)

imported_answers = Table(
    "imported_answers",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("project_id", Integer, primary_key=True, autoincrement=False),
    Column("frame_id", String(64), primary_key=True),
    Column("digest", String(64), primary_key=True),
    _a_frame(),
    Index("imported_answers_of_frame", "site", "frame_id", "project_id", "digest"),
)
"""What files said about frames: SHA-256 of class and caption, so that it is known after people have changed it."""

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("site", ForeignKey("sites.name"), nullable=False),
    Column("parent_id", String(64)),
    Column("path", Text, nullable=False),
    Column("rows", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

candidates = Table(
    "candidates",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("run_id", String(64), nullable=False),
    Column("dataset_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("compared_with", String(255), nullable=False),
    Column("gates", JSON, nullable=False),
    Column("requested_by", String(63), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("decided_by", String(63)),
    Column("decided_at", UtcDateTime),
    Column("note", Text, nullable=False),
    Column("decision_note", Text, nullable=False, server_default=""),
    Column("adapter_digest", String(64), nullable=False, server_default=""),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("action", String(63), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous_digest", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("roles", JSON, nullable=False),
    Column("password_hash", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(63), nullable=False),
    Column("site", String(63), nullable=False),
    Column("argv", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("started_by", String(255), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("log_path", Text, nullable=False),
    Column("pid", Integer),
    Column("ended_at", UtcDateTime),
    Column("exit_code", Integer),
    Column("cancelled_by", String(255)),
)
