"""Who works here, and what the audit chain says that they did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from workbench.domain.names import require_name

__all__ = ["AuditEvent", "Role", "User"]


class Role(StrEnum):
    ENGINEER = "engineer"
    LABELLER = "labeller"
    REVIEWER = "reviewer"


@dataclass(frozen=True)
class User:
    name: str
    roles: frozenset[Role]

    def __post_init__(self) -> None:
        require_name("user", self.name)


@dataclass(frozen=True)
class AuditEvent:
    """Who did what to which thing, and when; ``digest`` chains the event to the one before it."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, object]
    previous_digest: str
    digest: str
