"""A model behind an address: what is asked of it, and what comes of servers that answer otherwise."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.services import free_port
from workbench.errors import ServiceError, UsageError
from workbench.models.endpoint import Endpoint, open_endpoint
from workbench.models.instructions import CAPTION_INSTRUCTION
from workbench.models.vlm import load_vlm
from workbench.settings import embedded_path, quiet_environment

GREY = Image.new("RGB", (96, 96), (90, 90, 90))


@pytest.fixture
def server() -> Iterator[Callable[[Callable[[dict[str, Any]], tuple[int, str]]], str]]:
    """Start servers that reply to a request's body with a status and a text."""
    started: list[ThreadingHTTPServer] = []

    def start(reply: Callable[[dict[str, Any]], tuple[int, str]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, text = reply({**body, "key": self.headers.get("Authorization"), "path": self.path})
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *args: object) -> None:
                pass

        started.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=started[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{started[-1].server_port}/v1#judge"

    yield start
    for one in started:
        one.shutdown()
        one.server_close()


def said(text: str) -> tuple[int, str]:
    return 200, json.dumps({"choices": [{"message": {"content": text}}]})


def test_each_picture_is_asked_about_with_the_key(server: Callable[..., str]) -> None:
    asked: list[dict[str, Any]] = []

    def reply(body: dict[str, Any]) -> tuple[int, str]:
        asked.append(body)
        return said(body["messages"][0]["content"][1]["text"].upper())

    endpoint = open_endpoint(server(reply), key="secret")
    endpoint.require()
    asked.clear()
    assert endpoint.answer([GREY, GREY], ["one", "two"], max_new_tokens=7) == ["ONE", "TWO"]
    assert {body["path"] for body in asked} == {"/v1/chat/completions"}
    assert {(body["key"], body["model"], body["max_tokens"]) for body in asked} == {("Bearer secret", "judge", 7)}
    picture = asked[0]["messages"][0]["content"][0]["image_url"]["url"]
    assert picture.startswith("data:image/jpeg;base64,")


@pytest.mark.parametrize("reply", [(500, "overloaded"), (200, "no JSON"), (200, "{}"), (200, '{"choices": []}')])
def test_an_answer_of_another_form_is_none_and_refused_before_the_work(
    server: Callable[..., str], reply: tuple[int, str]
) -> None:
    endpoint = open_endpoint(server(lambda body: reply))
    assert endpoint.answer([GREY], ["one"], max_new_tokens=7) == [None]
    with pytest.raises(ServiceError, match=r"a model judge that answers about pictures at http://127\.0\.0\.1"):
        endpoint.require()


def test_nobody_there_is_said_at_once() -> None:
    endpoint = Endpoint(f"http://127.0.0.1:{free_port()}/v1", "judge")
    with pytest.raises(ServiceError, match="refused"):
        endpoint.answer([GREY] * 3, ["one"] * 3, max_new_tokens=7)


def test_pictures_do_not_leave_the_premises() -> None:
    with pytest.raises(UsageError, match=r"no picture leaves the premises, but found 8\.8\.8\.8"):
        open_endpoint("https://8.8.8.8/v1#gpt")
    with pytest.raises(UsageError, match="behind a #"):
        open_endpoint("http://127.0.0.1:8000/v1")


def test_a_server_of_transformers_says_what_the_model_says(tmp_path: Path) -> None:
    model, port = embedded_path("base-vlm"), free_port()
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(model), "--port", str(port)]
    log = (tmp_path / "log").open("w")
    environment = quiet_environment() | {"HF_HUB_OFFLINE": "1"}
    served = subprocess.Popen([*command, "--device", "cpu"], env=environment, stdout=log, stderr=log)
    try:
        endpoint = open_endpoint(f"http://127.0.0.1:{port}/v1#{model}")
        while served.poll() is None and not answers(endpoint):
            time.sleep(0.5)
        told = endpoint.answer([GREY], [CAPTION_INSTRUCTION], max_new_tokens=20)
    finally:
        served.terminate()
        served.wait()
        log.close()
    assert [text and text.strip() for text in told] == load_vlm(model).generate_captions([GREY], max_new_tokens=20)


def answers(endpoint: Endpoint) -> bool:
    try:
        endpoint.require()
    except ServiceError:
        return False
    return True
