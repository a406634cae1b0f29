"""Addresses of live streams, shown and stored without what would let a reader into the camera."""

import re
from datetime import datetime
from urllib.parse import urlsplit, urlunsplit

__all__ = ["is_stream", "stream_name", "without_credentials"]

_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")


def is_stream(source: str) -> bool:
    return source.lower().startswith(_SCHEMES)


def without_credentials(url: str) -> str:
    """Return ``url`` without user, password and query: many cameras take the password as a query parameter."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def stream_name(url: str, started_at: datetime) -> str:
    """Return a clip name such as ``cam-7.example_stream1_20260302T080000Z``."""
    place = without_credentials(url).partition("://")[2]
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', place).strip('_')}_{started_at:%Y%m%dT%H%M%SZ}"
