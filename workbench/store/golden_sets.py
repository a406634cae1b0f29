"""Frozen sets of frames that decide on promotion; they are added and never changed."""

import hashlib

from sqlalchemy import select

from workbench.domain import GoldenSet
from workbench.errors import NotFoundError, StorageError
from workbench.store.database import Database
from workbench.store.tables import golden_sets


class GoldenSets:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, golden: GoldenSet, manifest: str) -> None:
        """Remember ``golden`` with the text whose SHA-256 is its id; the same again changes nothing."""
        self._database.insert(golden_sets, [{**vars(golden), "manifest": manifest}])

    def all(self, site: str) -> list[GoldenSet]:
        """Return a site's golden sets, oldest first."""
        columns = [column for column in golden_sets.c if column.name != "manifest"]
        query = select(*columns).where(golden_sets.c.site == site).order_by(golden_sets.c.frozen_at)
        return [GoldenSet(**row._mapping) for row in self._database.rows(query)]

    def get(self, site: str, golden_id: str = "") -> GoldenSet:
        """Return the site's golden set with this id, or with the only id that begins so; the newest by default."""
        found = [golden for golden in self.all(site) if golden.id.startswith(golden_id)]
        if found and (len(found) == 1 or not golden_id):
            return found[-1]
        raise NotFoundError(
            expected=f"one golden set of site {site}" + (f" whose id begins with {golden_id!r}" if golden_id else ""),
            found=f"{len(found)} of them",
            remedy="see them with `workbench dataset golden list`, or have a reviewer freeze one",
        )

    def manifest(self, golden: GoldenSet) -> str:
        """Return the text of a golden set; StorageError when it is not what was frozen."""
        query = select(golden_sets.c.manifest).where(golden_sets.c.id == golden.id)
        text = "".join(row.manifest for row in self._database.rows(query))
        if hashlib.sha256(text.encode()).hexdigest() != golden.id:
            raise StorageError(
                expected=f"the golden set {golden.id[:12]} as it was frozen",
                found="a changed manifest in the database",
                remedy="restore the database from a backup and find out who wrote to it",
            )
        return text
