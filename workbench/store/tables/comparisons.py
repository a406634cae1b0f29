"""What people preferred when they saw two models' answers without their names."""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from workbench.store.tables.schema import UtcDateTime, a_frame, metadata

__all__ = ["preferences"]

preferences = Table(
    "preferences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", String(63), nullable=False),
    Column("set_id", String(64), nullable=False),
    Column("part", String(16), nullable=False),
    Column("first", Text, nullable=False),
    Column("second", Text, nullable=False),
    Column("frame_id", String(64), nullable=False),
    Column("person", String(63), nullable=False),
    Column("preferred", Text),
    Column("at", UtcDateTime, nullable=False),
    a_frame(),
    Index("preferences_of_contest", "site", "set_id", "part", "frame_id", "person"),
    Index("preferences_of_frame", "site", "frame_id"),
)
"""Nothing is overwritten: the newest preference of a person about a frame counts."""
