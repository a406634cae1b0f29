"""What all tables share: the metadata, the type of instants, and how a later column is filled."""

from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, ForeignKeyConstraint, MetaData, TypeDecorator

metadata = MetaData()

FILL = "fill"
"""Key of a column's ``info``: the expression that fills the column where a database of an earlier release lacks it."""


class UtcDateTime(TypeDecorator[datetime]):
    """A timezone-aware instant; SQLite keeps no zone, so UTC is what goes in and what comes out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"expected a timezone-aware time, got {value!r}")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def a_frame() -> ForeignKeyConstraint:
    """Return the constraint of a table whose ``site`` and ``frame_id`` name a frame."""
    return ForeignKeyConstraint(["site", "frame_id"], ["frames.site", "frames.id"])
