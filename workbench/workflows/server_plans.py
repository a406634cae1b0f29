"""How each server is started, and how one knows that it answers."""

import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from workbench.errors import LabelStudioError
from workbench.labeling.server import LocalServer, find_executable, is_loopback
from workbench.labeling.studio import Studio
from workbench.processes import is_listening
from workbench.settings import Settings, quiet_environment

__all__ = ["PLANS", "ServerPlan", "answers"]

_PROBE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class ServerPlan:
    """``command`` gives the argument list, and is None for a server that is not the workbench's to start.

    ``is_ready`` tells whether the server answers; ``is_theirs`` whether what listens at the URL is a server that
    somebody else runs and that this workspace may use.
    """

    name: str
    url: str
    command: Callable[[], tuple[str, ...]] | None
    environment: Mapping[str, str]
    address_setting: str
    timeout_s: float
    is_ready: Callable[[], bool]
    is_theirs: Callable[[], bool] = field(default=lambda: False)


def answers(url: str) -> bool:
    """Tell whether a server answers a GET of ``url`` without an error of its own."""
    address = urlsplit(url)
    if not is_listening(str(address.hostname), address.port or (443 if address.scheme == "https" else 80)):
        return False
    try:
        return httpx.get(url, timeout=_PROBE_TIMEOUT_S).status_code < 500
    except httpx.HTTPError:
        return False


def _label_studio(settings: Settings) -> ServerPlan:
    token = settings.labelstudio_token.get_secret_value()
    server = LocalServer(
        url=settings.labelstudio_url,
        data_dir=settings.data_dir / "label-studio",
        token=token,
        password=settings.labelstudio_password.get_secret_value(),
        workbench_address=_address_of(settings.resolved_public_url),
    )
    is_ours = is_loopback(settings.labelstudio_url) and not _is_personal(token)
    folders = (settings.home, Path(__file__).resolve().parents[2])
    return ServerPlan(
        name="label-studio",
        url=settings.labelstudio_url,
        command=(lambda: server.argv(find_executable(settings.labelstudio_command, folders))) if is_ours else None,
        environment=server.environment(quiet_environment()),
        address_setting="WORKBENCH_LABELSTUDIO_URL",
        timeout_s=600.0,
        is_ready=lambda: answers(f"{settings.labelstudio_url}/health"),
        is_theirs=lambda: _accepts(settings.labelstudio_url, token),
    )


def _mlflow(settings: Settings) -> ServerPlan:
    uri, address = settings.resolved_tracking_uri, f"{settings.mlflow_host}:{settings.mlflow_port}"
    runs_elsewhere = uri.startswith(("http://", "https://"))
    argv = (
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", uri),
        *("--artifacts-destination", settings.artifacts_dir.as_uri()),
        *("--host", settings.mlflow_host, "--port", str(settings.mlflow_port), "--workers", "1"),
        *("--allowed-hosts", f"{address},localhost:{settings.mlflow_port}"),
        *("--cors-allowed-origins", f"http://{address}"),
    )
    return ServerPlan(
        name="mlflow",
        url=uri if runs_elsewhere else settings.mlflow_url,
        command=None if runs_elsewhere else lambda: argv,
        environment={**quiet_environment(), "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        address_setting="WORKBENCH_MLFLOW_PORT",
        timeout_s=300.0,
        is_ready=lambda: answers(f"{settings.mlflow_url}/health"),
    )


def _ui(settings: Settings) -> ServerPlan:
    return ServerPlan(
        name="ui",
        url=settings.ui_url,
        command=lambda: (
            *(sys.executable, "-m", "workbench", "ui"),
            *("--host", settings.ui_host, "--port", str(settings.ui_port)),
        ),
        environment={**quiet_environment(), "WORKBENCH_HOME": str(settings.home)},
        address_setting="WORKBENCH_UI_PORT",
        timeout_s=300.0,
        is_ready=lambda: answers(f"{settings.ui_url}/health"),
    )


def _address_of(url: str) -> str:
    """Return the IPv4 address of a URL's host; empty where nobody knows it."""
    try:
        return socket.gethostbyname(str(urlsplit(url).hostname))
    except OSError:
        return ""


def _is_personal(token: str) -> bool:
    """Tell a personal access token (JWT), which only a running Label Studio gives out, from a legacy one."""
    return token.count(".") == 2


def _accepts(url: str, token: str) -> bool:
    try:
        return bool(Studio(url, token).account())
    except LabelStudioError:
        return False


PLANS: Mapping[str, Callable[[Settings], ServerPlan]] = {"label-studio": _label_studio, "mlflow": _mlflow, "ui": _ui}
"""In the order in which they are started: the slowest first."""
