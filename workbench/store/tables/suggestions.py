"""Models' suggestions to labellers: which are asked for, who makes them, which were shown, and what came of them."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from workbench.store.tables.schema import UtcDateTime, a_frame, metadata

__all__ = ["asked_suggestions", "current_models", "reactions", "shown_models", "suggesters"]

current_models = Table(
    "current_models",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("source", Text, nullable=False),
    Column("model_version", String(255), nullable=False),
)
"""The version that a site's model had when it was loaded last; ``source`` tells whether it would be the same now."""

asked_suggestions = Table(
    "asked_suggestions",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("frame_id", String(64), primary_key=True),
    Column("asked_at", UtcDateTime, nullable=False),
    a_frame(),
)

suggesters = Table(
    "suggesters",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("born_at", UtcDateTime, nullable=False),
    Column("is_ready", Boolean, nullable=False),
)
"""The process that works off what is asked for at a site; it ``is_ready`` once its model is loaded."""

shown_models = Table(
    "shown_models",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("project_id", Integer, primary_key=True, autoincrement=False),
    Column("since", UtcDateTime, primary_key=True),
    Column("model_version", String(255), nullable=False),
)
"""Whose suggestions labellers started from in a project, since when, by the workbench's clock."""

reactions = Table(
    "reactions",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("annotation_id", Integer, primary_key=True, autoincrement=False),
    Column("frame_id", String(64), nullable=False),
    Column("model_version", String(255)),
    Column("basis", String(16), nullable=False),
    Column("is_skip", Boolean, nullable=False),
    Column("read_at", UtcDateTime, nullable=False),
    a_frame(),
    Index("reactions_to_model", "site", "model_version"),
    Index("reactions_of_frame", "site", "frame_id"),
)
"""Which model's suggestion a person's answer or skip began with, and by what that is known.

``read_at`` is when the answer had been changed last as it was looked at.
"""
