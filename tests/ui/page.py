"""An open page without a browser: Gradio's own HTTP protocol, as the page's script speaks it."""

import json
import secrets
from collections.abc import Sequence

import httpx

__all__ = ["Page"]


class Page:
    """``load`` runs what a page runs when it opens, which tells Gradio the choices of the dropdowns."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._session = secrets.token_hex(5)
        config = client.get("/config").json()
        self._values = {part["id"]: part["props"].get("value") for part in config["components"]}
        self._events = {event["api_name"]: event for event in config["dependencies"] if event["backend_fn"]}

    @property
    def endpoints(self) -> dict[str, list[object]]:
        """What the page gives each endpoint before anybody touches it."""
        return {name: [self._values[part] for part in event["inputs"]] for name, event in self._events.items()}

    def load(self) -> "Page":
        self.call("show", [None])
        return self

    def call(self, endpoint: str, data: Sequence[object] = ()) -> str | list[object]:
        """Return what the endpoint answers: values, or the text of its error."""
        body = {"data": list(data), "fn_index": self._events[endpoint]["id"], "session_hash": self._session}
        joined = self._client.post("/gradio_api/queue/join", json=body)
        joined.raise_for_status()
        with self._client.stream("GET", f"/gradio_api/queue/data?session_hash={self._session}") as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed":
                    return _answer(message)
        raise AssertionError(f"{endpoint} never answered")


def _answer(message: dict[str, object]) -> str | list[object]:
    output = message["output"]
    assert isinstance(output, dict)
    if message["success"]:
        return list(output["data"])
    return str(output.get("error"))
