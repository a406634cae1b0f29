"""Addresses of live streams, shown and stored without what would let a reader into the camera."""

import re
import socket
from datetime import datetime

from workbench.errors import FootageError

__all__ = ["host_is_known", "is_stream", "require_stream", "stream_name", "without_credentials"]

_SCHEMES = ("rtsp://", "rtsps://", "http://", "https://")
_HOST_AND_PORT = re.compile(r"(\[[^\[\]@]+\]|[^:@\[\]]+)(:[0-9]*)?")
_SECRET_IN_PATH = re.compile(
    r"(?<![A-Z0-9])(user(?:name)?|usr|login|pass(?:word|wd)?|pwd|auth|token|key|secret)=[^/&;]*", re.IGNORECASE
)


def is_stream(source: str) -> bool:
    return source.lower().startswith(_SCHEMES)


def require_stream(url: str) -> None:
    """Raise FootageError unless ``url`` is an address that a stream can have; the error does not repeat it."""
    if not is_stream(url):
        raise _unusable("none of rtsp://, rtsps://, http:// and https:// at its start", "begin it with one of them")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise _unusable("a space or line break in it", "take it out, or write it as %20")
    if not _HOST_AND_PORT.fullmatch(_authority(_rest(url)).rpartition("@")[2]):
        raise _unusable(
            "no host that can be told from the user and password",
            "write /, ?, # and @ in a password as %2F, %3F, %23 and %40",
        )


def host_is_known(url: str) -> bool:
    """Tell whether the name of the stream's host stands for an address at present; this may ask the network."""
    host_and_port = _HOST_AND_PORT.match(_without_userinfo(_rest(url)))
    try:
        socket.getaddrinfo(host_and_port[1].strip("[]") if host_and_port else "", None)
    except (OSError, UnicodeError):
        return False
    return True


def without_credentials(url: str) -> str:
    """Return ``url`` without user, password and query: many cameras take the password as a query parameter.

    Some recorders take it in the path, as ``/user=ann&password=…``: there the values are left out. Where a password
    has characters that an address must not have, rather too much is left out than too little.
    """
    scheme, separator, _ = url.partition("://")
    place = re.split(r"[?#]", _without_userinfo(_rest(url)))[0]
    return (scheme + separator if separator else "") + _SECRET_IN_PATH.sub(r"\1=", place)


def stream_name(url: str, started_at: datetime) -> str:
    """Return a clip name such as ``cam-7.example_stream1_20260302T080000Z``."""
    place = without_credentials(url).partition("://")[2]
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', place).strip('_')}_{started_at:%Y%m%dT%H%M%SZ}"


def _rest(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return rest if separator else scheme


def _without_userinfo(rest: str) -> str:
    """Return what comes after ``user:password@``, also where the password holds a character that ends a host."""
    authority = _authority(rest)
    rest = authority.rpartition("@")[2] + rest[len(authority) :]
    authority = _authority(rest)
    may_hide = re.split(r"[?#]", rest)[0] if _HOST_AND_PORT.fullmatch(authority) else rest
    return may_hide.rpartition("@")[2] if ":" in authority and "@" in may_hide else rest


def _authority(rest: str) -> str:
    return re.split(r"[/?#]", rest)[0]


def _unusable(found: str, remedy: str) -> FootageError:
    return FootageError(
        expected="the address of a stream, such as rtsp://user:password@camera/path", found=found, remedy=remedy
    )
