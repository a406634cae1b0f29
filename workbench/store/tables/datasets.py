"""Which frames were frozen together, and where people want them."""

from sqlalchemy import JSON, Column, ForeignKey, String, Table, Text

from workbench.store.tables.schema import UtcDateTime, a_frame, metadata

__all__ = ["dataset_versions", "split_pins"]

split_pins = Table(
    "split_pins",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("frame_id", String(64), primary_key=True),
    Column("split", String(16), nullable=False),
    a_frame(),
)

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
