"""The links by which labellers' browsers get frames from the workbench's own media endpoint."""

from datetime import datetime, timedelta

from workbench.domain import utc_now
from workbench.labeling.media import media_url_expiry, signed_clip_url, signed_media_url
from workbench.settings import Settings

__all__ = ["ClipLinks", "ImageLinks"]

_RENEWED_IN_LAST_SHARE = 1 / 3


class ImageLinks:
    """Signs links that last ``settings.media_url_days``; a link is stale in the last third of that time."""

    def __init__(self, settings: Settings) -> None:
        self._base_url = settings.resolved_public_url
        self._key = settings.media_key.get_secret_value()
        self._lifetime = timedelta(days=settings.media_url_days)

    def sign(self, frame_id: str) -> str:
        return self._url(frame_id, utc_now() + self._lifetime)

    def is_stale(self, url: str, frame_id: str) -> bool:
        """Tell whether ``url`` expires soon, or leads elsewhere, or was signed with another key."""
        expires_at = media_url_expiry(url)
        if expires_at is None or expires_at - utc_now() < self._lifetime * _RENEWED_IN_LAST_SHARE:
            return True
        return url != self._url(frame_id, expires_at)

    def _url(self, frame_id: str, expires_at: datetime) -> str:
        return signed_media_url(self._base_url, frame_id, self._key, expires_at)


class ClipLinks(ImageLinks):
    """Signs links to the videos of clips' parts, by the parts' ids."""

    def _url(self, frame_id: str, expires_at: datetime) -> str:
        return signed_clip_url(self._base_url, frame_id, self._key, expires_at)
