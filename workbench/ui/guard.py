"""What stands before every route: nobody passes unless signed in, no other site may post, no page may call outside."""

from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workbench.ui.cookies import COOKIE_NAME, Sessions
from workbench.workflows.hooks import HOOK_PATH
from workbench.workflows.ml_backend import ML_PATH

__all__ = ["Guard"]

_OPEN_PATHS = frozenset({"/favicon.svg", "/health", "/sign-in", HOOK_PATH})
_OPEN_PREFIXES = ("/media/", ML_PATH)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_UNUSED_PREFIXES = tuple(
    f"/gradio_api/{name}" for name in ("dev/", "proxy=", "run-history", "runs", "undo-vibe", "vibe-")
)
_PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' data: blob:; media-src 'self' blob:; "
        "worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware; the signed media URLs, what Label Studio asks and tells with keys of its own, sign-in and health
    are the only ways in without a session.

    Gradio checks its main routes itself through ``auth_dependency``; this also closes those that it leaves open, and
    those that the workbench has no use for.
    """

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self._app, self._sessions = app, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        refusal = self._refusal(connection, str(scope["method"]))
        await (refusal or self._app)(scope, receive, _with_page_headers(send))

    def _refusal(self, connection: HTTPConnection, method: str) -> Response | None:
        path = connection.url.path
        if method not in _SAFE_METHODS and _is_from_elsewhere(connection.headers):
            return JSONResponse({"error": "This request came from another site."}, status_code=403)
        if path.startswith(_UNUSED_PREFIXES):
            return JSONResponse({"error": "Not found"}, status_code=404)
        if path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES):
            return None
        if self._sessions.user_name(connection.cookies.get(COOKIE_NAME)) is not None:
            return None
        if method == "GET" and "text/html" in connection.headers.get("accept", ""):
            wanted = path + (f"?{connection.url.query}" if connection.url.query else "")
            return RedirectResponse(f"/sign-in?next={quote(wanted, safe='')}", status_code=303)
        return JSONResponse({"error": "Sign in first."}, status_code=401)


def _is_from_elsewhere(headers: Headers) -> bool:
    """Browsers send ``Origin`` with every post; programs need not."""
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


def _with_page_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _PAGE_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
