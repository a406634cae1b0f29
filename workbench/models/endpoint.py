"""A vision-language model behind an address of the site's own network that speaks OpenAI's chat completions.

vLLM, llama.cpp, Ollama, LM Studio and ``transformers serve`` do. Nothing is sent to an address outside the premises.
"""

import base64
import io
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx
from PIL.Image import Image

from workbench.errors import ServiceError, UsageError

__all__ = ["Endpoint", "open_endpoint"]

_TIMEOUT_S = 120.0
_AT_ONCE = 4


@dataclass(frozen=True)
class Endpoint:
    """``url`` ends before ``/chat/completions``; ``model`` is what the server calls the model."""

    url: str
    model: str
    key: str = ""

    def answer(self, images: Sequence[Image], instructions: Sequence[str], *, max_new_tokens: int) -> list[str | None]:
        """Return an answer to each instruction about the image at the same place; None where there was none.

        ServiceError as soon as the server cannot be reached at all.
        """
        with httpx.Client(timeout=_TIMEOUT_S, headers=self._headers) as client, ThreadPoolExecutor(_AT_ONCE) as pool:

            def asked(image: Image, instruction: str) -> str | None:
                return self._ask(client, image, instruction, max_new_tokens)

            return list(pool.map(asked, images, instructions))

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def _ask(self, client: httpx.Client, image: Image, instruction: str, max_new_tokens: int) -> str | None:
        content = [
            {"type": "text", "text": instruction},
            {"type": "image_url", "image_url": {"url": _data_url(image)}},
        ]
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": max_new_tokens,
            "temperature": 0,
        }
        try:
            reply = client.post(f"{self.url}/chat/completions", json=body)
            said = reply.raise_for_status().json()["choices"][0]["message"]["content"]
        except httpx.ConnectError as exc:
            raise self._absent(str(exc)) from exc
        except (httpx.HTTPError, ValueError, LookupError, TypeError):
            return None
        return said if isinstance(said, str) else None

    def require(self) -> None:
        """Raise ServiceError unless a server answers there that has the model."""
        try:
            reply = httpx.get(f"{self.url}/models", headers=self._headers, timeout=_TIMEOUT_S)
            known = [str(one["id"]) for one in reply.raise_for_status().json()["data"]]
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as exc:
            raise self._absent(str(exc) or type(exc).__name__) from exc
        if known and self.model not in known:
            raise ServiceError(
                expected=f"the model {self.model} at {self.url}",
                found=", ".join(known[:5]),
                remedy=f"name one of those, as {self.url}#{known[0]}",
            )

    def _absent(self, found: str) -> ServiceError:
        return ServiceError(
            expected=f"an OpenAI-compatible server at {self.url}",
            found=found.splitlines()[0],
            remedy="start it, or correct the address (it ends in /v1 for most servers)",
        )


def open_endpoint(address: str, *, key: str = "") -> Endpoint:
    """Return the endpoint at ``http://HOST:PORT/v1#MODEL``. UsageError for an address outside the premises."""
    parts = urlsplit(address)
    if not parts.hostname or not parts.fragment:
        raise UsageError(
            expected="an endpoint as http://HOST:PORT/v1#MODEL",
            found=address,
            remedy="add what the server calls the model behind a #",
        )
    try:
        hosts = {ip_address(str(found[4][0])) for found in socket.getaddrinfo(parts.hostname, parts.port)}
    except (OSError, ValueError) as exc:
        raise ServiceError(
            expected=f"an address of the host {parts.hostname}", found=str(exc), remedy="correct the name"
        ) from exc
    if outside := [host for host in hosts if not host.is_private]:
        raise UsageError(
            expected="an endpoint in the site's own network: no picture leaves the premises",
            found=f"{parts.hostname}, which is {outside[0]}",
            remedy="run the model on a machine of the site",
        )
    return Endpoint(parts._replace(fragment="").geturl().rstrip("/"), parts.fragment, key)


def _data_url(image: Image) -> str:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"
