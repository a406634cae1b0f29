"""Who did what, when: append-only, each event chained by hash to the one before it.

The digest is SHA-256 over the canonical JSON (sorted keys, no spaces, UTF-8) of the event's fields and the digest of
the event before it, so that a change to any stored event breaks the chain from there on.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from workbench.domain import AuditEvent, utc_now
from workbench.errors import StorageError
from workbench.store.database import Database
from workbench.store.tables import audit_events

_GENESIS = "0" * 64


class AuditTrail:
    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self, *, actor: str, action: str, subject: str, detail: Mapping[str, object] | None = None
    ) -> AuditEvent:
        with self._database.transaction():
            last = self._database.rows(
                select(audit_events.c.sequence, audit_events.c.digest)
                .order_by(audit_events.c.sequence.desc())
                .limit(1)
                .with_for_update()
            )
            sequence, previous = (last[0].sequence + 1, last[0].digest) if last else (1, _GENESIS)
            row: dict[str, Any] = {
                "sequence": sequence,
                "at": utc_now(),
                "actor": actor,
                "action": action,
                "subject": subject,
                "detail": _canonical(dict(detail or {})),
                "previous_digest": previous,
            }
            row["digest"] = _digest(row)
            self._database.insert(audit_events, [row])
        return AuditEvent(**{**row, "detail": dict(detail or {})})

    def events(self, subject: str | None = None) -> list[AuditEvent]:
        """Return the events, oldest first."""
        query = select(audit_events).order_by(audit_events.c.sequence)
        if subject is not None:
            query = query.where(audit_events.c.subject == subject)
        return [_event(row) for row in self._database.rows(query)]

    def verify(self) -> int:
        """Return the number of events whose chain holds; StorageError names the first that does not."""
        previous = _GENESIS
        rows = self._database.rows(select(audit_events).order_by(audit_events.c.sequence))
        for position, row in enumerate(rows, start=1):
            fields = dict(row._mapping)
            digest = fields.pop("digest")
            if row.sequence != position or row.previous_digest != previous or digest != _digest(fields):
                raise StorageError(
                    expected="an audit trail that nobody changed",
                    found=f"event {position} does not match its digest",
                    remedy="restore the database from a backup and find out who wrote to it",
                )
            previous = digest
        return len(rows)


def _digest(fields: Mapping[str, Any]) -> str:
    at: datetime = fields["at"]
    return hashlib.sha256(_canonical({**fields, "at": at.isoformat()}).encode()).hexdigest()


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def _event(row: Row[Any]) -> AuditEvent:
    return AuditEvent(**{**row._mapping, "detail": json.loads(row.detail)})
