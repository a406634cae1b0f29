"""The runs of stills that labellers are shown as videos."""

from sqlalchemy import JSON, Column, ForeignKey, String, Table

from workbench.store.tables.schema import metadata

__all__ = ["clip_parts"]

clip_parts = Table(
    "clip_parts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("site", ForeignKey("sites.name"), nullable=False, index=True),
    Column("clip_id", String(64), nullable=False),
    Column("offsets_s", JSON, nullable=False),
)
