"""What the database keeps only encrypted: whoever reads it alone, or a backup of it, cannot read these.

The key lies in ``data/local.env`` and is made with the other keys.
"""

from cryptography.fernet import Fernet, InvalidToken

from workbench.errors import StorageError
from workbench.workflows.keys import with_keys
from workbench.workflows.workspace import Workspace

__all__ = ["seal", "unseal"]


def seal(workspace: Workspace, text: str) -> str:
    """Return ``text`` encrypted (Fernet: AES-128-CBC with HMAC-SHA-256)."""
    return _key(workspace).encrypt(text.encode()).decode()


def unseal(workspace: Workspace, sealed: str, *, what: str) -> str:
    """Return what :func:`seal` was given; StorageError, which names it as ``what``, when the key is another one."""
    try:
        return _key(workspace).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise StorageError(
            expected=f"the key with which {what} was encrypted",
            found="another one",
            remedy=f"put the former WORKBENCH_SECRETS_KEY back into {workspace.settings.local_env_file}, "
            "or give the secret again",
        ) from error


def _key(workspace: Workspace) -> Fernet:
    key = with_keys(workspace).settings.secrets_key.get_secret_value()
    try:
        return Fernet(key)
    except ValueError as error:
        raise StorageError(
            expected="WORKBENCH_SECRETS_KEY as 32 bytes in URL-safe base64",
            found="another text",
            remedy=f"take it out of the environment and of {workspace.settings.local_env_file} to have one made",
        ) from error
