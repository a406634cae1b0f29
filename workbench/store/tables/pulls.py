"""How far fetching answers from Label Studio has come, and what waits to be fetched."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table

from workbench.store.tables.schema import UtcDateTime, metadata

__all__ = ["answered_tasks", "label_hooks", "pull_cursors"]

answered_tasks = Table(
    "answered_tasks",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("task_id", Integer, primary_key=True, autoincrement=False),
    Column("frame_id", String(64), nullable=False),
    Column("annotation_ids", JSON, nullable=False),
    Column("answers", Integer, nullable=False),
    Column("incomplete", Integer, nullable=False),
    Column("is_ours", Boolean, nullable=False),
)
"""Tasks that had an answer when they were read last; ``frame_id`` is what the task itself says, known here or not."""

pull_cursors = Table(
    "pull_cursors",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("project_id", Integer, nullable=False),
    Column("read_until", UtcDateTime),
    Column("all_read_at", UtcDateTime, nullable=False),
    Column("people", JSON, nullable=False),
    Column("unlisted", Integer, nullable=False),
)
"""``read_until`` is by Label Studio's clock; ``people`` are the e-mail addresses, by user number, that were read."""

label_hooks = Table(
    "label_hooks",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("hooks", Integer, nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
)
"""Sites of which Label Studio told that something changed, and how often it did since they were fetched."""
