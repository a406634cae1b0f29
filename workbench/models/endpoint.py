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
from PIL.Image import new as new_image

from workbench.errors import ServiceError, UsageError

__all__ = ["Endpoint", "open_endpoint"]

_TIMEOUT_S = 120.0
_AT_ONCE = 4
_TRIED_WH = (96, 96)
_MALFORMED = (ValueError, LookupError, TypeError)
"""What an answer raises that is not of the form."""


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

    def require(self) -> None:
        """Raise ServiceError unless the model there says something about a picture."""
        with httpx.Client(timeout=_TIMEOUT_S, headers=self._headers) as client:
            try:
                self._said(client, new_image("RGB", _TRIED_WH), "What is this?", 1)
            except (httpx.HTTPError, *_MALFORMED) as exc:
                raise self._absent(exc) from exc

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def _ask(self, client: httpx.Client, image: Image, instruction: str, max_new_tokens: int) -> str | None:
        try:
            return self._said(client, image, instruction, max_new_tokens)
        except httpx.ConnectError as exc:
            raise self._absent(exc) from exc
        except (httpx.HTTPError, *_MALFORMED):
            return None

    def _said(self, client: httpx.Client, image: Image, instruction: str, max_new_tokens: int) -> str:
        content = [
            {"type": "image_url", "image_url": {"url": _data_url(image)}},
            {"type": "text", "text": instruction},
        ]
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": max_new_tokens,
            "temperature": 0,
        }
        reply = client.post(f"{self.url}/chat/completions", json=body).raise_for_status().json()
        return str(reply["choices"][0]["message"]["content"]).strip()

    def _absent(self, error: Exception) -> ServiceError:
        told = error.response.text if isinstance(error, httpx.HTTPStatusError) else str(error)
        return ServiceError(
            expected=f"a model {self.model} that answers about pictures at {self.url} (OpenAI's chat completions)",
            found=(told.strip() or type(error).__name__).splitlines()[0][:200],
            remedy="start it, or correct the address (it ends in /v1 for most servers) and the model's name",
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
