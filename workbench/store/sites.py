"""Sites and their cameras."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, select, update

from workbench.domain import Camera, Mask, MaskStyle, Site, Taxonomy
from workbench.errors import NotFoundError, UsageError
from workbench.store.database import Database
from workbench.store.tables import cameras, sites

_TAXONOMY = TypeAdapter(Taxonomy)


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
                remedy="choose another name, or change the classes with `workbench taxonomy set`",
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

    def taxonomy(self, site: str) -> Taxonomy:
        """Return what is asked at ``site``: its classes alone until :meth:`set_taxonomy` says more."""
        known = self.get(site)
        (row,) = self._database.rows(select(sites.c.taxonomy).where(sites.c.name == site))
        return _TAXONOMY.validate_python(row.taxonomy) if row.taxonomy else Taxonomy.of(known)

    def set_taxonomy(self, site: str, taxonomy: Taxonomy) -> None:
        """Make ``taxonomy`` what is asked at ``site``, and its classes the site's."""
        self.get(site)
        row = {"class_names": list(taxonomy.class_names), "taxonomy": _TAXONOMY.dump_python(taxonomy, mode="json")}
        self._database.write(update(sites).where(sites.c.name == site).values(row))

    def add_camera(self, camera: Camera) -> None:
        """Remember ``camera``; one of that name that is there already stays as it is."""
        self.get(camera.site)
        self._database.insert(cameras, [_camera_row(camera)])

    def set_camera(self, camera: Camera) -> None:
        """Give the camera of this name other masks; NotFoundError when there is none."""
        self.camera(camera.site, camera.name)
        self._database.insert(cameras, [_camera_row(camera)], overwrite=True)

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
        return [_camera(row) for row in self._database.rows(query)]


def _site(row: Row[Any]) -> Site:
    return Site(row.name, tuple(row.class_names))


def _camera(row: Row[Any]) -> Camera:
    masks = tuple(Mask(tuple((u, v) for u, v in mask["outline_uv"]), MaskStyle(mask["style"])) for mask in row.masks)
    return Camera(row.site, row.name, masks, row.hides_faces)


def _camera_row(camera: Camera) -> dict[str, object]:
    return {**asdict(camera), "masks": [asdict(mask) for mask in camera.masks]}


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "(none)"
