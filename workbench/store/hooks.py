"""Sites of which Label Studio told that something changed, until it was fetched."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from workbench.domain import utc_now
from workbench.store.database import Database
from workbench.store.tables import label_hooks

__all__ = ["Hooks", "WaitingHooks"]


@dataclass(frozen=True)
class WaitingHooks:
    """How many hooks of a site wait, when the first of them came and when the last."""

    site: str
    hooks: int
    first_at: datetime
    last_at: datetime


class Hooks:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, site: str, count: int = 1) -> None:
        """Write down that ``count`` hooks of ``site`` came."""
        with self._database.transaction():
            known = self._of(site)
            now = utc_now()
            row = {
                "site": site,
                "hooks": count + (known.hooks if known else 0),
                "first_at": known.first_at if known else now,
                "last_at": now,
            }
            self._database.insert(label_hooks, [row], overwrite=True)

    def waiting(self) -> list[WaitingHooks]:
        rows = self._database.rows(select(label_hooks).order_by(label_hooks.c.first_at))
        return [WaitingHooks(**row._mapping) for row in rows]

    def settle(self, seen: WaitingHooks) -> None:
        """Forget hooks that were ``seen`` before the site was fetched; where more came meanwhile, all keep waiting."""
        same = (label_hooks.c[name] == getattr(seen, name) for name in ("site", "hooks", "first_at"))
        self._database.write(delete(label_hooks).where(*same))

    def _of(self, site: str) -> WaitingHooks | None:
        rows = self._database.rows(select(label_hooks).where(label_hooks.c.site == site))
        return WaitingHooks(**rows[0]._mapping) if rows else None
