"""Which frames were frozen together, and where people want them."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, Text

from workbench.store.tables.schema import UtcDateTime, a_frame, metadata

__all__ = ["dataset_versions", "golden_sets", "refused_builds", "split_pins"]

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

golden_sets = Table(
    "golden_sets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("site", ForeignKey("sites.name"), nullable=False),
    Column("frames", Integer, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("frozen_by", String(63), nullable=False),
    Column("frozen_at", UtcDateTime, nullable=False),
    Column("note", Text, nullable=False),
)
"""Rows are added and never changed; the newest of a site is in force."""

refused_builds = Table(
    "refused_builds",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("actor", String(255), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("report", Text, nullable=False),
)
"""Why a site's last build was refused, until one succeeds: the report of its leak check."""
