"""Frames' images: by signed URL for Label Studio's pages, by session for the workbench's own."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Header, HTTPException, Path, Query
from fastapi.responses import Response

from workbench.errors import AccessError, NotFoundError, StorageError
from workbench.labeling.media import clip_name, verify_media_request
from workbench.workflows.timelines import clip_video, stills_of
from workbench.workflows.workspace import Workspace

__all__ = ["media_routes"]

_DAY_S = 86_400
_FOR_OWN_PAGES = {"Cross-Origin-Resource-Policy": "same-origin"}
_NEVER_KEPT = {"Cache-Control": "no-store"}
_VIDEOS_KEPT = 4
"""Videos in memory: a browser asks for one in many parts."""
_RANGE = re.compile(r"bytes=(\d{1,12})-(\d{0,12})")
FrameId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


def media_routes(workspace: Workspace) -> APIRouter:
    """Return ``/media/<frame id>.jpg?expires=…&signature=…`` (for anybody), ``/frames/…`` and ``/thumbnails/…``.

    ``/media/clips/<part id>.mp4`` is a video, made of the stored stills when it is asked for and kept on no disk.
    """
    router, files = APIRouter(), workspace.frame_files
    label_studio = urlsplit(workspace.settings.labelstudio_url)
    for_label_studio = {
        "Access-Control-Allow-Origin": f"{label_studio.scheme}://{label_studio.netloc}",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Origin",
    }

    @lru_cache(maxsize=_VIDEOS_KEPT)
    def video_of(frame_ids: tuple[str | None, ...]) -> bytes:
        return clip_video(workspace, frame_ids)

    @router.api_route("/media/{frame_id}.jpg", methods=["GET", "HEAD"])
    def signed_image(
        frame_id: FrameId,
        expires: Annotated[int, Query(ge=0, lt=2**40)],
        signature: Annotated[str, Query(max_length=128)],
    ) -> Response:
        now = datetime.now(UTC)
        key = workspace.settings.media_key.get_secret_value()
        try:
            verify_media_request(frame_id, expires, signature, key, now)
        except AccessError as exc:
            raise HTTPException(403, str(exc), headers={"Cache-Control": "no-store"}) from exc
        return _jpeg(files.read, frame_id, for_label_studio, max_age_s=expires - int(now.timestamp()))

    @router.api_route("/media/clips/{part_id}.mp4", methods=["GET", "HEAD"])
    def signed_video(
        part_id: FrameId,
        expires: Annotated[int, Query(ge=0, lt=2**40)],
        signature: Annotated[str, Query(max_length=128)],
        range_: Annotated[str, Header(alias="Range", max_length=64)] = "",
    ) -> Response:
        key = workspace.settings.media_key.get_secret_value()
        try:
            verify_media_request(clip_name(part_id), expires, signature, key, datetime.now(UTC))
            content = video_of(stills_of(workspace, part_id))
        except AccessError as exc:
            raise HTTPException(403, str(exc), headers=_NEVER_KEPT) from exc
        except NotFoundError as exc:
            raise HTTPException(404, str(exc), headers=_NEVER_KEPT) from exc
        return _part_of(content, range_, for_label_studio | _NEVER_KEPT)

    @router.get("/frames/{frame_id}.jpg")
    def own_image(frame_id: FrameId) -> Response:
        return _jpeg(files.read, frame_id, _FOR_OWN_PAGES, max_age_s=_DAY_S)

    @router.get("/thumbnails/{frame_id}.jpg")
    def own_thumbnail(frame_id: FrameId) -> Response:
        return _jpeg(files.thumbnail, frame_id, _FOR_OWN_PAGES, max_age_s=_DAY_S)

    return router


def _part_of(content: bytes, range_: str, headers: dict[str, str]) -> Response:
    """Return the video, or the part of it that a browser asks for when it seeks."""
    headers = headers | {"Accept-Ranges": "bytes"}
    asked = _RANGE.fullmatch(range_)
    if asked is None:
        return Response(content, media_type="video/mp4", headers=headers)
    first, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if first > last:
        raise HTTPException(416, "That part is not in the video.", headers=_NEVER_KEPT)
    told = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
    return Response(content[first : last + 1], 206, media_type="video/mp4", headers=headers | told)


def _jpeg(read: Callable[[str], bytes], frame_id: str, headers: dict[str, str], *, max_age_s: int) -> Response:
    """Return the frame's bytes; they never change, so a browser may keep them as long as it may see them."""
    try:
        content = read(frame_id)
    except StorageError as exc:
        raise HTTPException(404, f"There is no frame {frame_id[:12]}.", headers={"Cache-Control": "no-store"}) from exc
    cached = {"Cache-Control": f"private, max-age={max_age_s}, immutable"}
    return Response(content, media_type="image/jpeg", headers=headers | cached)
