"""Which dataset versions there are; their contents lie in folders of their own.

Only a folder's name is stored, so that a workspace can be moved.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Row, delete, select

from workbench.domain import DatasetVersion, Split
from workbench.errors import DatasetError, NotFoundError
from workbench.store.database import Database
from workbench.store.tables import dataset_versions, refused_builds


class Datasets:
    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def add(self, version: DatasetVersion) -> None:
        row = {
            "id": version.id,
            "site": version.site,
            "parent_id": version.parent_id,
            "path": Path(version.path).name,
            "rows": {split.value: count for split, count in version.rows.items()},
            "created_at": version.created_at,
        }
        self._database.insert(dataset_versions, [row])

    def get(self, dataset_id: str) -> DatasetVersion:
        """Return the version with this id, or with the only id that begins so."""
        query = select(dataset_versions).where(dataset_versions.c.id.startswith(dataset_id, autoescape=True))
        found = [self._version(row) for row in self._database.rows(query)]
        if len(found) == 1:
            return found[0]
        raise NotFoundError(
            expected=f"one dataset version whose id begins with {dataset_id!r}",
            found=f"{len(found)} of them",
            remedy="list them with `workbench dataset list`",
        )

    def all(self, site: str) -> list[DatasetVersion]:
        """Return a site's versions, oldest first."""
        query = select(dataset_versions).where(dataset_versions.c.site == site).order_by(dataset_versions.c.created_at)
        return [self._version(row) for row in self._database.rows(query)]

    def latest(self, site: str) -> DatasetVersion:
        if versions := self.all(site):
            return versions[-1]
        raise DatasetError(
            expected=f"a dataset version of site {site}",
            found="none",
            remedy="build one with `workbench dataset build`",
        )

    def refuse(self, site: str, report: str, *, actor: str, at: datetime) -> None:
        """Remember why the site's last build was refused."""
        row = {"site": site, "report": report, "actor": actor, "at": at}
        self._database.insert(refused_builds, [row], overwrite=True)

    def accept(self, site: str) -> None:
        """Forget why the site's last build was refused."""
        self._database.write(delete(refused_builds).where(refused_builds.c.site == site))

    def refusal(self, site: str) -> str | None:
        """Return the report of the build that was refused since the latest version was made, if there was one."""
        rows = self._database.rows(select(refused_builds.c.report).where(refused_builds.c.site == site))
        return rows[0].report if rows else None

    def _version(self, row: Row[Any]) -> DatasetVersion:
        return DatasetVersion(
            id=row.id,
            site=row.site,
            parent_id=row.parent_id,
            path=str(self._folder / Path(row.path).name),
            rows={Split(split): count for split, count in row.rows.items()},
            created_at=row.created_at,
        )
