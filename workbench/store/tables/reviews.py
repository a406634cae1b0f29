"""What reviewers decided, the answers known beforehand, and who answers how much under which name."""

from sqlalchemy import JSON, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from workbench.store.tables.schema import UtcDateTime, a_frame, metadata

__all__ = ["decisions", "gold_answers", "labeller_accounts", "overlap_rules"]

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site", String(63), nullable=False),
    Column("frame_id", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("answer", JSON(none_as_null=True)),
    Column("said", JSON, nullable=False),
    Column("reviewer", String(63), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("note", Text, nullable=False),
    a_frame(),
    Index("decisions_of_frame", "site", "frame_id", "id"),
)
"""Nothing is overwritten: the newest decision about a frame is in force. ``said`` is kept whole, as what is sent back
is deleted in Label Studio."""

gold_answers = Table(
    "gold_answers",
    metadata,
    Column("site", String(63), primary_key=True),
    Column("frame_id", String(64), primary_key=True),
    Column("answer", JSON, nullable=False),
    Column("added_by", String(63), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    a_frame(),
)

overlap_rules = Table(
    "overlap_rules",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("share", Float, nullable=False),
    Column("labellers", Integer, nullable=False),
)

labeller_accounts = Table(
    "labeller_accounts",
    metadata,
    Column("user_name", ForeignKey("users.name"), primary_key=True),
    Column("email", String(255), nullable=False),
)
"""Under which e-mail address somebody who signs in here labels in Label Studio."""
