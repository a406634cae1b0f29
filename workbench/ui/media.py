"""Frames' images: by signed URL for Label Studio's pages, by session for the workbench's own."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response

from workbench.errors import AccessError, StorageError
from workbench.labeling.media import verify_media_request
from workbench.workflows.workspace import Workspace

__all__ = ["media_routes"]

_DAY_S = 86_400
_FOR_OWN_PAGES = {"Cross-Origin-Resource-Policy": "same-origin"}
FrameId = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


def media_routes(workspace: Workspace) -> APIRouter:
    """Return ``/media/<frame id>.jpg?expires=…&signature=…`` (for anybody), ``/frames/…`` and ``/thumbnails/…``."""
    router, files = APIRouter(), workspace.frame_files
    label_studio = urlsplit(workspace.settings.labelstudio_url)
    for_label_studio = {
        "Access-Control-Allow-Origin": f"{label_studio.scheme}://{label_studio.netloc}",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Vary": "Origin",
    }

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

    @router.get("/frames/{frame_id}.jpg")
    def own_image(frame_id: FrameId) -> Response:
        return _jpeg(files.read, frame_id, _FOR_OWN_PAGES, max_age_s=_DAY_S)

    @router.get("/thumbnails/{frame_id}.jpg")
    def own_thumbnail(frame_id: FrameId) -> Response:
        return _jpeg(files.thumbnail, frame_id, _FOR_OWN_PAGES, max_age_s=_DAY_S)

    return router


def _jpeg(read: Callable[[str], bytes], frame_id: str, headers: dict[str, str], *, max_age_s: int) -> Response:
    """Return the frame's bytes; they never change, so a browser may keep them as long as it may see them."""
    try:
        content = read(frame_id)
    except StorageError as exc:
        raise HTTPException(404, f"There is no frame {frame_id[:12]}.", headers={"Cache-Control": "no-store"}) from exc
    cached = {"Cache-Control": f"private, max-age={max_age_s}, immutable"}
    return Response(content, media_type="image/jpeg", headers=headers | cached)
