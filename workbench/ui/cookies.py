"""The signed cookie that says who is signed in.

The cookie carries the user's name, a random id and its time of issue, signed with ``settings.session_key``; roles are
never in it, they are read from the store each time something is asked. Without a key in the settings a random one is
made, and everybody signs in again after a restart.
"""

import secrets
import time

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import Response

from workbench.settings import Settings

__all__ = ["COOKIE_NAME", "Sessions"]

COOKIE_NAME = "workbench_session"
_LIFETIME_S = 12 * 3600


class Sessions:
    def __init__(self, settings: Settings) -> None:
        key = settings.session_key.get_secret_value() or secrets.token_hex(32)
        self._serializer = URLSafeTimedSerializer(key, salt="workbench-session")
        self._over_https = settings.resolved_public_url.startswith("https://")
        self._signed_out: dict[str, float] = {}

    def begin(self, response: Response, user_name: str) -> None:
        """Set the cookie: out of reach of scripts, and not sent with requests that other sites start."""
        cookie = self._serializer.dumps({"user": user_name, "id": secrets.token_hex(8)})
        response.set_cookie(
            COOKIE_NAME,
            cookie if isinstance(cookie, str) else cookie.decode("ascii"),
            max_age=_LIFETIME_S,
            httponly=True,
            samesite="lax",
            secure=self._over_https,
        )

    def user_name(self, cookie: str | None) -> str | None:
        """Return who signed in with ``cookie``; None when it is missing, forged, too old or signed out."""
        session = self._read(cookie)
        return None if session is None or session["id"] in self._signed_out else session["user"]

    def end(self, response: Response, cookie: str | None) -> None:
        """Delete the cookie, and refuse it from now on even where a copy was kept."""
        session = self._read(cookie)
        oldest_s = time.time() - _LIFETIME_S
        self._signed_out = {id_: at_s for id_, at_s in self._signed_out.items() if at_s >= oldest_s}
        if session is not None:
            self._signed_out[session["id"]] = time.time()
        response.delete_cookie(COOKIE_NAME, httponly=True, samesite="lax", secure=self._over_https)

    def _read(self, cookie: str | None) -> dict[str, str] | None:
        if not cookie:
            return None
        try:
            session: dict[str, str] = self._serializer.loads(cookie, max_age=_LIFETIME_S)
        except BadSignature:
            return None
        return session
