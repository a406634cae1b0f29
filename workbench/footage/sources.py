"""Where footage lies: files and folders on the disk or in an object store, each recording behind one interface."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from workbench.errors import FootageError, UsageError
from workbench.footage.addresses import without_credentials
from workbench.footage.contents import HEAD_BYTES, PICTURE_SUFFIXES, VIDEO_SUFFIXES, Content, content_of
from workbench.footage.files import file_content, file_time_s, files_below, natural_order, require_utf8
from workbench.footage.image_series import open_images
from workbench.footage.recordings import Recording
from workbench.footage.remote import is_remote, local_copies, remote_head, remote_names
from workbench.footage.video_files import VideoFile, open_video
from workbench.wording import counted

__all__ = ["FoundRecording", "find_recordings"]

_AT_REST_S = 10.0


@dataclass(frozen=True)
class FoundRecording:
    """A video file, or the pictures of one folder, below ``root``: a path or a URL.

    ``name`` is relative to what was asked for; ``file_names`` are relative to ``root``, ``""`` being ``root`` itself.
    """

    name: str
    content: Content
    root: str = field(repr=False)
    file_names: tuple[str, ...]

    @contextmanager
    def opened(self) -> Iterator[Recording]:
        """Yield the recording, of an object store as a temporary copy; FootageError when it cannot be used."""
        require_utf8(self.name)
        if is_remote(self.root):
            with local_copies(self.root, self.file_names) as copies:
                yield self._read(copies)
        else:
            yield self._read([Path(self.root, name) for name in self.file_names])

    def _read(self, paths: Sequence[Path]) -> Recording:
        if self.content is Content.PICTURE or file_content(paths[0]) is Content.PICTURE:
            return open_images(paths, name=self.name, names=[name or self.name for name in self.file_names])
        return _settled_video(paths[0], self.name)


def find_recordings(source: str, *, own: Sequence[str] = ()) -> list[FoundRecording]:
    """Return what ``source`` holds, folders with all of theirs, in the order of the names (2 before 10).

    The pictures of one folder are one recording. What a file holds is told by its first bytes and only then by its
    name; of an object store's files, the name comes first. Files that are no footage, hidden ones, and what lies in the
    folders ``own`` (paths or URLs), in which the workbench keeps pictures itself, are left out.

    Raises:
        FootageError: There is none, or it cannot be read.
        UsageError: ``source`` is empty.
    """
    if not source.strip():
        raise UsageError(
            expected="a file, a folder or an address of footage",
            found="an empty text",
            remedy="name one (a dot is the current folder)",
        )
    require_utf8(source)
    if is_remote(source):
        remote = _not_in(own, source, remote_names(source))
        return _found(source, remote, lambda name: _remote_content(source, name))
    path = Path(source)
    if not path.exists():
        raise FootageError(expected=f"footage at {path}", found="none there", remedy="check the path")
    names = [file.relative_to(path).as_posix() for file in files_below(path)] if path.is_dir() else [""]
    return _found(source, _not_in(own, source, names), lambda name: file_content(Path(path, name)))


def _not_in(own: Sequence[str], source: str, names: Sequence[str]) -> list[str]:
    root, left_out = _place(source), [_place(folder) for folder in own]
    return [name for name in names if not any(map((root / name).is_relative_to, left_out))]


def _place(address: str) -> PurePosixPath:
    path = address.removeprefix("file://")
    return PurePosixPath(path if is_remote(path) else os.path.realpath(path))


def _found(source: str, names: Sequence[str], content_of_name: Callable[[str], Content | None]) -> list[FoundRecording]:
    own_name = PurePosixPath(source.rstrip("/")).name
    if list(names) == [""]:
        return [FoundRecording(own_name, content_of_name("") or Content.VIDEO, source, ("",))]
    found: list[FoundRecording] = []
    pictures: dict[str, list[str]] = {}
    for name in names:
        try:
            content = content_of_name(name)
        except FootageError:  # whoever opens it is told what is wrong with it, and the others go on
            content = Content.VIDEO
        if content is Content.VIDEO:
            found.append(FoundRecording(name, content, source, (name,)))
        elif content is Content.PICTURE:
            pictures.setdefault(PurePosixPath(name).parent.as_posix(), []).append(name)
    for folder, own in pictures.items():
        name = own_name if folder == "." else folder
        found.append(FoundRecording(name, Content.PICTURE, source, tuple(sorted(own, key=natural_order))))
    if not found:
        raise FootageError(
            expected=f"video files or pictures in {without_credentials(source)} that are not the workbench's own",
            found=f"none among {counted(len(names), 'file')}",
            remedy="give the folder that holds the recordings themselves",
        )
    return sorted(found, key=lambda recording: natural_order(recording.name))


def _settled_video(path: Path, name: str) -> VideoFile:
    """Open a video; FootageError where it is still being written, as what is stored of a half would bar the whole."""
    written_at_s = file_time_s(path)
    video = open_video(path, name=name)
    age_s = time.time() - written_at_s
    if file_time_s(path) != written_at_s or (video.damage and 0 <= age_s < _AT_REST_S):
        raise FootageError(
            expected=f"{name} to be written to its end",
            found="a file that still changes" + (f": {video.damage}" if video.damage else ""),
            remedy=f"take it when it is whole, or as it is when it has not changed for {_AT_REST_S:.0f} s",
        )
    return video


def _remote_content(url: str, name: str) -> Content | None:
    suffix = PurePosixPath(name or url).suffix.lower()
    if suffix in VIDEO_SUFFIXES | PICTURE_SUFFIXES:
        return content_of(b"", suffix)
    return content_of(remote_head(url, name, HEAD_BYTES), suffix)
