"""How a Label Studio of the workbench's own is started: its command, its environment and where it keeps its data.

The server lives in a virtual environment of its own, so nothing of it is imported here.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from workbench.errors import LabelStudioError
from workbench.labeling.reach import opening
from workbench.settings import NO_TELEMETRY

__all__ = ["ADMINISTRATOR", "VERSION", "LocalServer", "find_executable", "is_loopback"]

VERSION = "1.23.2"
"""The Label Studio that the workbench was tested with."""

ADMINISTRATOR = "workbench@site.invalid"

_SWITCHES = {
    "ALLOW_ORGANIZATION_WEBHOOKS": "false",
    "DISABLE_SIGNUP_WITHOUT_LINK": "true",
    "LOCAL_FILES_SERVING_ENABLED": "false",
    "ML_BLOCK_LOCAL_IP": "true",
    "SHOW_TRACEBACK_FOR_EXPORT_CONVERTER": "false",
    "SSRF_PROTECTION_ENABLED": "true",
}
"""``LS_CSP_REPORT_ONLY`` keeps its default: once enforced, the server's content security policy, which has no setting
for image sources, would keep browsers from the workbench's images."""


@dataclass(frozen=True)
class LocalServer:
    """A Label Studio at ``url`` (loopback) on SQLite in ``data_dir``, with one administrator.

    ``workbench_address`` is the IP address at which the workbench answers, if the server is to post to it.
    """

    url: str
    data_dir: Path
    token: str
    password: str
    workbench_address: str = ""

    def argv(self, executable: Path) -> tuple[str, ...]:
        address = urlsplit(self.url)
        return (
            str(executable),
            "start",
            "--no-browser",
            "--enable-legacy-api-token",
            *("--internal-host", address.hostname or "127.0.0.1"),
            *("--port", str(address.port or 80)),
        )

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return ``inherited`` with every setting of the server made explicit; secrets travel here, not in ``argv``."""
        local = {
            **NO_TELEMETRY,
            **_SWITCHES,
            **(opening(self.workbench_address) if self.workbench_address else {}),
            "BASE_DATA_DIR": str(self.data_dir),
            "HOST": "",
            "LOCAL_FILES_DOCUMENT_ROOT": str(self.data_dir / "media"),
            "PASSWORD": self.password,
            "USERNAME": ADMINISTRATOR,
            "USER_TOKEN": self.token,
        }
        return {**inherited, **{f"LABEL_STUDIO_{name}": value for name, value in local.items()}}


def is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "::1", "localhost"}


def find_executable(command: str, folders: Sequence[Path]) -> Path:
    """Return the server's executable: ``command`` when given, else the one of ``.venv-labelstudio`` in ``folders``.

    Raises LabelStudioError when there is none.
    """
    places = [Path(command)] if command else [folder / ".venv-labelstudio/bin/label-studio" for folder in folders]
    found = next((str(place) for place in places if place.is_file()), shutil.which(command or "label-studio"))
    if found is None:
        raise LabelStudioError(
            expected="the Label Studio server's executable",
            found=f"none at {', '.join(map(str, places))}",
            remedy="install it with `python3 -m venv .venv-labelstudio && "
            f".venv-labelstudio/bin/pip install label-studio=={VERSION}`, or set WORKBENCH_LABELSTUDIO_COMMAND, "
            "or set WORKBENCH_LABELSTUDIO_URL and WORKBENCH_LABELSTUDIO_TOKEN to one that runs elsewhere",
        )
    return Path(found).absolute()
