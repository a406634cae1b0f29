from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from workbench.errors import AccessError
from workbench.labeling.media import media_url_expiry, signed_media_url, verify_media_request

FRAME, OTHER_FRAME = "a" * 64, "b" * 64
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def parts(url: str) -> tuple[int, str]:
    query = parse_qs(urlsplit(url).query)
    return int(query["expires"][0]), query["signature"][0]


def test_a_signed_url_permits_its_frame_until_it_expires() -> None:
    url = signed_media_url("https://bench.invalid/base", FRAME, "key", NOW + HOUR)
    assert url.startswith(f"https://bench.invalid/base/media/{FRAME}.jpg?expires=")
    assert media_url_expiry(url) == NOW + HOUR
    verify_media_request(FRAME, *parts(url), "key", NOW + HOUR - timedelta(seconds=1))


def test_an_expired_url_is_refused() -> None:
    expires, signature = parts(signed_media_url("http://x", FRAME, "key", NOW + HOUR))
    with pytest.raises(AccessError, match="expired at 2026-01-02 04:04 UTC"):
        verify_media_request(FRAME, expires, signature, "key", NOW + HOUR)


def test_frame_time_key_and_signature_cannot_be_exchanged() -> None:
    expires, signature = parts(signed_media_url("http://x", FRAME, "key", NOW + HOUR))
    for frame_id, when, signed, key in (
        (OTHER_FRAME, expires, signature, "key"),
        (FRAME, expires + 1, signature, "key"),
        (FRAME, expires, signature[:-1], "key"),
        (FRAME, expires, "ü", "key"),
        (FRAME, expires, signature, "another key"),
        (FRAME, expires, signature, ""),
    ):
        with pytest.raises(AccessError, match="another signature"):
            verify_media_request(frame_id, when, signed, key, NOW)


def test_without_a_key_nothing_is_signed() -> None:
    with pytest.raises(AccessError, match="workbench up"):
        signed_media_url("http://x", FRAME, "", NOW)


def test_another_url_has_no_expiry() -> None:
    assert media_url_expiry("http://x/media/a.jpg") is None
    for expires in ("soon", "9" * 20, "9" * 5_000, "²"):
        assert media_url_expiry(f"http://x/media/a.jpg?expires={expires}") is None
    assert media_url_expiry("http://[x/media/a.jpg?expires=1") is None
