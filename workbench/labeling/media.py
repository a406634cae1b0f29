"""Signed, time-limited URLs of the workbench's own media endpoint.

Labellers' browsers fetch a frame's image from the workbench, so a Label Studio on another machine needs neither the
bytes nor an account here: the URL itself is the permission, for one frame, until it expires.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from workbench.errors import AccessError

__all__ = ["clip_name", "media_url_expiry", "signed_clip_url", "signed_media_url", "verify_media_request"]


def signed_media_url(base_url: str, frame_id: str, key: str, expires_at: datetime) -> str:
    """Return ``<base_url>/media/<frame_id>.jpg?expires=<unix seconds>&signature=<hex HMAC-SHA256>``."""
    return f"{base_url}/media/{frame_id}.jpg?{_permission(frame_id, key, expires_at)}"


def signed_clip_url(base_url: str, part_id: str, key: str, expires_at: datetime) -> str:
    """Return the same for the video of a part of a clip, ``<base_url>/media/clips/<part_id>.mp4?…``."""
    return f"{base_url}/media/clips/{part_id}.mp4?{_permission(clip_name(part_id), key, expires_at)}"


def clip_name(part_id: str) -> str:
    """Return what is signed for a video, which no signature of a frame permits."""
    return f"clips/{part_id}"


def _permission(name: str, key: str, expires_at: datetime) -> str:
    if not key:
        raise AccessError(
            expected="a key that signs image URLs",
            found="none",
            remedy="run `workbench up` once, which makes one, or set WORKBENCH_MEDIA_KEY",
        )
    expires = int(expires_at.timestamp())
    return f"expires={expires}&signature={_signature(name, expires, key)}"


def media_url_expiry(url: str) -> datetime | None:
    """Return when a signed URL expires; None when ``url`` is not one."""
    try:
        return datetime.fromtimestamp(int(parse_qs(urlsplit(url).query)["expires"][0]), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        return None


def verify_media_request(frame_id: str, expires: int, signature: str, key: str, now: datetime) -> None:
    """Raise AccessError unless ``signature`` permits reading ``frame_id`` at the time ``now``."""
    if not key or not hmac.compare_digest(_signature(frame_id, expires, key).encode(), signature.encode()):
        raise AccessError(
            expected="an image URL that this workbench signed",
            found="another signature",
            remedy="run `workbench label push`, which signs the images' URLs anew",
        )
    if now.timestamp() >= expires:
        raise AccessError(
            expected="an image URL that is still valid",
            found=f"one that expired at {datetime.fromtimestamp(expires, UTC):%Y-%m-%d %H:%M} UTC",
            remedy="run `workbench label push`, which signs the images' URLs anew",
        )


def _signature(frame_id: str, expires: int, key: str) -> str:
    return hmac.new(key.encode(), f"{frame_id}\n{expires}".encode(), hashlib.sha256).hexdigest()
