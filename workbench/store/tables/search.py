"""What each site searches its stills with, and what tuned encoders saw of pictures."""

from sqlalchemy import Column, ForeignKey, LargeBinary, String, Table

from workbench.store.tables.schema import UtcDateTime, metadata

__all__ = ["search_embeddings", "search_encoders"]

search_encoders = Table(
    "search_encoders",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("run_id", String(64), nullable=False),
    Column("adapter_digest", String(64), nullable=False),
    Column("chosen_by", String(255), nullable=False),
    Column("chosen_at", UtcDateTime, nullable=False),
)
"""The tuned encoder of each site that has chosen one; ``adapter_digest`` is the SHA-256 of the adapter's manifest."""

search_embeddings = Table(
    "search_embeddings",
    metadata,
    Column("picture_id", String(64), primary_key=True),
    Column("adapter_digest", String(64), primary_key=True),
    Column("embedding", LargeBinary, nullable=False),
)
"""What a tuned encoder saw of a picture, apart from ``picture_prints``, whose distances are those of the base."""
