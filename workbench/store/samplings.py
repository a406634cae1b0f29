"""What came of taking stills, for those who look at it later."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, select

from workbench.domain import Sampling, SelectionStep
from workbench.store.database import Database
from workbench.store.tables import samplings


class Samplings:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, sampling: Sampling) -> None:
        row = {**asdict(sampling), "starts": dict(sampling.starts)}
        self._database.insert(samplings, [row])

    def newest(self, site: str, limit: int) -> list[Sampling]:
        """Return at most ``limit`` samplings, newest first."""
        query = select(samplings).where(samplings.c.site == site).order_by(samplings.c.id.desc()).limit(limit)
        return [_sampling(row) for row in self._database.rows(query)]


def _sampling(row: Row[Any]) -> Sampling:
    values = {name: value for name, value in row._mapping.items() if name != "id"}
    values |= {name: tuple(values[name]) for name in ("clips", "problems", "notes")}
    return Sampling(**{**values, "steps": tuple(SelectionStep(**step) for step in row.steps)})
