"""The keys and passwords that a workspace needs, made once and kept in ``data/local.env`` (mode 0600)."""

import dataclasses
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping

from cryptography.fernet import Fernet
from dotenv import dotenv_values
from pydantic import SecretStr

from workbench.errors import StorageError
from workbench.labeling.server import is_loopback
from workbench.settings import Settings
from workbench.workflows.workspace import Workspace

__all__ = ["derived_key", "with_keys"]


def with_keys(workspace: Workspace) -> Workspace:
    """Return ``workspace`` with every key in its settings; those written down nowhere are made and written down.

    A token for Label Studio is made only for one of the workbench's own, never for one on another machine.
    """
    settings = workspace.settings
    missing = {name: value for name, value in _candidates(settings).items() if not _has(settings, name)}
    if not missing:
        return workspace
    written = _read(settings)
    made = {name: value for name, value in missing.items() if name not in written}
    if made:
        _append(settings, made)
    keys = {name: SecretStr(written.get(name, value)) for name, value in missing.items()}
    return dataclasses.replace(workspace, settings=settings.model_copy(update=keys))


def derived_key(key: SecretStr, purpose: str) -> str:
    """Return a key for one purpose, from which neither ``key`` nor that of another purpose can be told; empty as it."""
    secret = key.get_secret_value().encode()
    return hmac.new(secret, purpose.encode(), hashlib.sha256).hexdigest() if secret else ""


def _read(settings: Settings) -> dict[str, str]:
    """Return what was written down, by setting; the file may be newer than ``settings``."""
    values = dotenv_values(settings.local_env_file)
    return {name.removeprefix("WORKBENCH_").lower(): value for name, value in values.items() if value}


def _candidates(settings: Settings) -> dict[str, str]:
    candidates = {
        "media_key": secrets.token_hex(32),
        "session_key": secrets.token_hex(32),
        "secrets_key": Fernet.generate_key().decode(),
    }
    if is_loopback(settings.labelstudio_url):
        candidates |= {"labelstudio_token": secrets.token_hex(20), "labelstudio_password": secrets.token_urlsafe(24)}
    return candidates


def _has(settings: Settings, name: str) -> bool:
    value: SecretStr = getattr(settings, name)
    return bool(value.get_secret_value())


def _append(settings: Settings, made: Mapping[str, str]) -> None:
    path = settings.local_env_file
    lines = "".join(f"WORKBENCH_{name.upper()}={value}\n" for name, value in made.items())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
            path.chmod(0o600)
            file.write(lines)
    except OSError as error:
        raise StorageError(
            expected=f"to write keys to {path}",
            found=error.strerror or str(error),
            remedy="free some space, or set WORKBENCH_HOME to a folder that can be written",
        ) from error
