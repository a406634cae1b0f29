"""The connection to Label Studio; the only module that imports its SDK, and where its errors are translated.

Legacy tokens and personal access tokens (JWT refresh tokens, for which the SDK fetches short-lived access tokens
itself) are told apart by the SDK. A request that got no answer may have been carried out: what may be carried out twice
is tried again here, what may not is left to who asked, who has to compare first.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import httpx
from label_studio_sdk.client import LabelStudio
from label_studio_sdk.core.api_error import ApiError
from label_studio_sdk.core.parse_error import ParsingError

from workbench.errors import LabelStudioError, UnansweredError
from workbench.progress import Progress

__all__ = ["ONCE", "Connection", "translated_errors", "until_certain"]

_PAUSES_S = (1.0, 3.0, 9.0)
"""How long to wait before each further try of a request that got no answer."""

ONCE: Any = {"max_retries": 0}
_PARALLEL_WRITES = 4
_TIMEOUT_S = 120.0
_TOO_MANY, _SERVERS_FAULT = 429, 500

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@contextmanager
def translated_errors(url: str) -> Iterator[None]:
    """Raise LabelStudioError for whatever goes wrong inside between here and the Label Studio at ``url``.

    It is an UnansweredError where the server may have done what it was asked to.
    """
    try:
        yield
    except httpx.HTTPStatusError as error:
        raise _refusal(url, error.response.status_code, _content(error.response)) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        kind = UnansweredError if isinstance(error, httpx.TransportError) else LabelStudioError
        raise kind(
            expected=f"Label Studio to answer at {url}",
            found=str(error) or type(error).__name__,
            remedy="run `workbench up`, or set WORKBENCH_LABELSTUDIO_URL to where it runs",
        ) from error
    except (ApiError, ParsingError) as error:
        raise _refusal(url, error.status_code, error.body) from error
    except json.JSONDecodeError as error:
        raise _refusal(url, None, error.doc) from error


def until_certain(do: Callable[[], _Result], look: Callable[[], object]) -> _Result:
    """Return what ``do`` returns, which must not be done twice.

    Where nobody answers, ``look`` finds out what was done, and ``do`` does what is missing then; a few times.
    """
    for pause_s in _PAUSES_S:
        try:
            return do()
        except UnansweredError:
            time.sleep(pause_s)
            look()
    return do()


class Connection:
    """To a Label Studio at ``url``, as the account that ``token`` belongs to.

    No connection outlives its request, so there is nothing to close.
    """

    def __init__(self, url: str, token: str) -> None:
        if not token.isascii() or not token:
            raise LabelStudioError(
                expected=f"a token for the Label Studio at {url}",
                found="letters that no token has" if token else "none",
                remedy="run `workbench up`, which makes one, or set WORKBENCH_LABELSTUDIO_TOKEN",
            )
        self.url = url.rstrip("/")
        with translated_errors(self.url):
            connections = httpx.Client(
                timeout=_TIMEOUT_S, follow_redirects=True, limits=httpx.Limits(max_keepalive_connections=0)
            )
            self._client = LabelStudio(
                base_url=self.url, api_key=token, timeout=_TIMEOUT_S, max_retries=1, httpx_client=connections
            )

    def _patiently(self, call: Callable[[], _Result]) -> _Result:
        """Return what ``call`` returns, tried again a few times while nobody answers: it must be safe to do twice."""

        def answered() -> _Result:
            with translated_errors(self.url):
                return call()

        return until_certain(answered, lambda: None)

    def _unless_done(self, change: Callable[[], object], done_status: int) -> None:
        """Do ``change``, unless the server tells by ``done_status`` that it has been done before, or needs not be."""
        try:
            change()
        except (ApiError, httpx.HTTPStatusError) as error:
            status = error.status_code if isinstance(error, ApiError) else error.response.status_code
            if status != done_status:
                raise

    def _in_parallel(
        self, call: Callable[[_Item], None], items: Iterable[_Item], total: int, what: str, progress: Progress
    ) -> None:
        """Do ``call``, which must be safe to do twice, with every item, a few at a time."""
        with ThreadPoolExecutor(_PARALLEL_WRITES) as executor:
            results = executor.map(lambda item: self._patiently(partial(call, item)), items)
            try:
                for done, _ in enumerate(results, start=1):
                    progress(done, total, what)
            finally:
                executor.shutdown(cancel_futures=True)


def _content(response: httpx.Response) -> Any:
    try:
        return response.json()
    except json.JSONDecodeError:
        return response.text


def _refusal(url: str, status: int | None, body: Any) -> LabelStudioError:
    remedies = {
        401: "set WORKBENCH_LABELSTUDIO_TOKEN to a valid token of an account there (its Account & Settings page)",
        403: "use the token of an account that may do this",
        404: "run `workbench label push`, which makes what is missing anew",
    }
    kind = UnansweredError if status == _TOO_MANY or (status or 0) >= _SERVERS_FAULT else LabelStudioError
    is_other = not isinstance(body, Mapping) and kind is LabelStudioError
    other = "set WORKBENCH_LABELSTUDIO_URL to where Label Studio runs"
    return kind(
        expected=f"the Label Studio at {url} to accept the request",
        found=f"{_told(body)} (status {status})",
        remedy=other if is_other else remedies.get(status or 0, "run `workbench doctor` and read the server's log"),
    )


def _told(body: Any) -> str:
    """Return what the server says is wrong, with each field's reasons where it gives them."""
    if not isinstance(body, Mapping):
        return "an answer that is not Label Studio's"
    fields = body.get("validation_errors")
    reasons = [str(reason) for reasons in fields.values() for reason in reasons] if isinstance(fields, Mapping) else []
    return "; ".join(reasons) or str(body.get("detail", body))
