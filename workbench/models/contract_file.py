"""A contract as a file beside the weights: JSON with the digest of its content, which whoever reads it proves."""

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from workbench.errors import ModelError

__all__ = ["digest_of", "read_contract", "write_contract"]


class _Contract(Protocol):
    @property
    def digest(self) -> str: ...


_Read = TypeVar("_Read", bound=_Contract)


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a contract's content, in hexadecimal."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_contract(path: Path, content: Mapping[str, Any]) -> Path:
    """Write ``content`` with its digest and return ``path``."""
    sealed = {**content, "digest": digest_of(content)}
    path.write_text(json.dumps(sealed, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def read_contract(path: Path, parse: Callable[[Mapping[str, Any]], _Read], *, expected: str, remedy: str) -> _Read:
    """Return what ``parse`` makes of the file; ModelError where it cannot be read, or is not what was written.

    ``expected`` and ``remedy`` tell what should lie there and what to do without it.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        contract, digest = parse(stored), stored["digest"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ModelError(expected=expected, found=f"{type(exc).__name__} for {path}", remedy=remedy) from exc
    if contract.digest != digest:
        raise ModelError(
            expected=f"the contract with the digest {digest[:12]}",
            found=f"{contract.digest[:12]} in {path}",
            remedy="restore the file as the tuning run wrote it",
        )
    return contract
