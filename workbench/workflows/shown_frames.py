"""The frames that label files are about: instants of videos, and pictures by the names of their files."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from workbench.domain import Frame
from workbench.labeling.formats.file_label import Instant, PictureFile
from workbench.store import NamedPicture
from workbench.workflows.workspace import Workspace

__all__ = ["FoundFrames", "Shown", "find_frames"]

Shown = Instant | PictureFile


class FoundFrames(NamedTuple):
    """``frames`` by what shows them; ``elsewhere`` are files of that name that lie in other folders, or in several."""

    frames: dict[Shown, Frame]
    elsewhere: dict[Shown, tuple[str, ...]]


def find_frames(
    workspace: Workspace, site: str, shown: Iterable[Shown], *, folders: Collection[str] = ()
) -> FoundFrames:
    """Return the site's frames that ``shown`` names.

    A picture is found by its name and as many of its folders as both the file and the catalogue tell; one without a
    suffix has any. In ``folders`` (names of recordings) its own folders do not matter. A picture that is named by a
    frame's id is that frame.
    """
    wanted = list(dict.fromkeys(shown))
    found = _by_file_name(workspace, site, [one for one in wanted if isinstance(one, PictureFile)], set(folders))
    frames: dict[Shown, Frame] = dict(found.frames)
    times_s: defaultdict[str, list[float]] = defaultdict(list)
    for one in wanted:
        if isinstance(one, Instant):
            times_s[one.video].append(one.time_s)
    for video, of_video in times_s.items():
        seen = workspace.store.footage.frames_at(site, video, of_video)
        frames |= {Instant(video, time_s): frame for time_s, frame in seen.items()}
    return FoundFrames(frames, found.elsewhere)


def _by_file_name(workspace: Workspace, site: str, files: Sequence[PictureFile], folders: set[str]) -> FoundFrames:
    alike: defaultdict[str, list[NamedPicture]] = defaultdict(list)
    stems = {stem for file in files for stem in _stems(file)}
    for picture in workspace.store.pictures.with_stems(site, stems):
        alike[picture.name].append(picture)
        alike[PurePosixPath(picture.name).stem].append(picture)
    ids: dict[Shown, str] = {}
    elsewhere: dict[Shown, tuple[str, ...]] = {}
    for file in files:
        candidates = alike.get(_parts(file)[-1], [])
        best = {picture.frame_id for picture in _nearest(file, candidates, folders)}
        if len(best) == 1:
            ids[file] = best.pop()
        elif candidates:
            elsewhere[file] = tuple(f"{picture.folder}/{picture.name}" for picture in candidates)
        else:
            ids[file] = PurePosixPath(file.path).stem
    known = workspace.store.footage.by_id(site, ids.values())
    return FoundFrames({file: known[frame_id] for file, frame_id in ids.items() if frame_id in known}, elsewhere)


def _nearest(file: PictureFile, candidates: Sequence[NamedPicture], folders: set[str]) -> list[NamedPicture]:
    """Return those of ``candidates`` that share most of the picture's folders and contradict none."""
    own = _parts(file)[-2::-1]
    shared: defaultdict[int, list[NamedPicture]] = defaultdict(list)
    for picture in candidates:
        theirs = PurePosixPath(picture.folder).parts[::-1]
        depth = min(len(own), len(theirs))
        if own[:depth] == theirs[:depth]:
            shared[depth].append(picture)
    return shared[max(shared)] if shared else [picture for picture in candidates if picture.folder in folders]


def _parts(file: PictureFile) -> tuple[str, ...]:
    path = PurePosixPath(file.path.replace("\\", "/"))
    return path.parts[1:] if path.is_absolute() and len(path.parts) > 1 else path.parts or ("",)


def _stems(file: PictureFile) -> tuple[str, str]:
    """Return what the file's name may be without its suffix, which may be missing already."""
    name = _parts(file)[-1]
    return name, PurePosixPath(name).stem
