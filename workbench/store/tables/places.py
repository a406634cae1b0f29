"""Sites, their cameras and how the cameras are doing."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    String,
    Table,
    Text,
    false,
)

from workbench.store.tables.schema import UtcDateTime, metadata

__all__ = ["cameras", "live_recordings", "sites", "streams"]

sites = Table(
    "sites",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("class_names", JSON, nullable=False),
    Column("taxonomy", JSON),
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
