"""The files that pictures came from, by which labels name them."""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from sqlalchemy import select

from workbench.store.database import Database
from workbench.store.tables import picture_files

__all__ = ["NamedPicture", "Pictures"]


class NamedPicture(NamedTuple):
    """The file ``name`` of ``folder``, a recording's name, with the frame that it became."""

    folder: str
    name: str
    frame_id: str


class Pictures:
    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, site: str, pictures: Sequence[NamedPicture]) -> None:
        """Remember which frames files became; a file that has become another frame since is that one's."""
        rows = [{"site": site, **picture._asdict(), "stem": PurePosixPath(picture.name).stem} for picture in pictures]
        self._database.insert(picture_files, rows, overwrite=True)

    def with_stems(self, site: str, stems: Iterable[str]) -> list[NamedPicture]:
        """Return the site's picture files whose names are one of ``stems`` without their suffixes."""
        query = select(*picture_files.c[NamedPicture._fields]).where(picture_files.c.site == site)
        return [NamedPicture._make(row) for row in self._database.rows_among(query, picture_files.c.stem, stems)]
