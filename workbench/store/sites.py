"""Sites and their cameras."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, select

from workbench.domain import Camera, Site
from workbench.errors import NotFoundError, UsageError
from workbench.store.database import Database
from workbench.store.tables import cameras, sites


class Sites:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, site: Site) -> None:
        """Remember ``site``; the same site again changes nothing, other classes under its name are refused."""
        row = {"name": site.name, "class_names": list(site.class_names)}
        if not self._database.insert(sites, [row]) and (known := self.get(site.name)) != site:
            raise UsageError(
                expected=f"site {site.name} with its classes {', '.join(known.class_names)}",
                found=", ".join(site.class_names),
                remedy="choose another site name or the same classes",
            )

    def get(self, name: str) -> Site:
        for row in self._database.rows(select(sites).where(sites.c.name == name)):
            return _site(row)
        raise NotFoundError(
            expected=f"a site named {name!r}",
            found=f"the sites {_listed(site.name for site in self.all())}",
            remedy="add it with `workbench site add`",
        )

    def all(self) -> list[Site]:
        return [_site(row) for row in self._database.rows(select(sites).order_by(sites.c.name))]

    def add_camera(self, camera: Camera) -> None:
        self.get(camera.site)
        self._database.insert(cameras, [{"site": camera.site, "name": camera.name}])

    def camera(self, site: str, name: str) -> Camera:
        self.get(site)
        known = self.cameras(site)
        for camera in known:
            if camera.name == name:
                return camera
        raise NotFoundError(
            expected=f"a camera named {name!r} at site {site}",
            found=f"the cameras {_listed(camera.name for camera in known)}",
            remedy="add it with `workbench camera add`",
        )

    def cameras(self, site: str) -> list[Camera]:
        query = select(cameras).where(cameras.c.site == site).order_by(cameras.c.name)
        return [Camera(row.site, row.name) for row in self._database.rows(query)]


def _site(row: Row[Any]) -> Site:
    return Site(row.name, tuple(row.class_names))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "(none)"
