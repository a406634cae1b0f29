"""What models think of pictures, and what is asked next."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, LargeBinary, String, Table, Text

from workbench.store.tables.schema import metadata

__all__ = ["model_opinions", "queue_plans"]

model_opinions = Table(
    "model_opinions",
    metadata,
    Column("picture_id", String(64), primary_key=True),
    Column("asked_as", String(64), primary_key=True),
    Column("model_version", String(255), nullable=False),
    Column("probabilities", JSON, nullable=False),
    Column("embedding", LargeBinary, nullable=False),
    Column("caption", Text),
    Column("caption_log_likelihood", Float),
)
"""``picture_id`` is a frame's id, at whatever sites it is; ``asked_as`` tells the model, its manner and the classes."""

queue_plans = Table(
    "queue_plans",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("plan", JSON, nullable=False),
    Column("is_being_asked", Boolean, nullable=False),
)
"""Each site's newest plan."""
