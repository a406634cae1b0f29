"""Promotions, the audit chain, users and jobs."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, String, Table, Text

from workbench.store.tables.schema import UtcDateTime, metadata

__all__ = ["audit_events", "candidates", "jobs", "users"]

candidates = Table(
    "candidates",
    metadata,
    Column("site", ForeignKey("sites.name"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("run_id", String(64), nullable=False),
    Column("dataset_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("compared_with", String(255), nullable=False),
    Column("gates", JSON, nullable=False),
    Column("requested_by", String(63), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("decided_by", String(63)),
    Column("decided_at", UtcDateTime),
    Column("note", Text, nullable=False),
    Column("decision_note", Text, nullable=False, server_default=""),
    Column("adapter_digest", String(64), nullable=False, server_default=""),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(255), nullable=False),
    Column("action", String(63), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous_digest", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("roles", JSON, nullable=False),
    Column("password_hash", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(63), nullable=False),
    Column("site", String(63), nullable=False),
    Column("argv", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("started_by", String(255), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("log_path", Text, nullable=False),
    Column("pid", Integer),
    Column("ended_at", UtcDateTime),
    Column("exit_code", Integer),
    Column("cancelled_by", String(255)),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("device", String(63), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
)
