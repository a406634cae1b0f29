"""The files of an adapter folder, checked against their manifest; needs no torch."""

import hashlib
import json
import os
from pathlib import Path

from workbench.errors import ModelError

__all__ = ["RECIPE_FILE", "verify_adapter", "write_manifest"]

MANIFEST_FILE = "manifest.json"
RECIPE_FILE = "recipe.yaml"


def write_manifest(directory: Path) -> None:
    """Write the SHA-256 of every file of ``directory`` beside them, and see everything safely on the disk."""
    manifest = {"sha256": _digests(directory)}
    (directory / MANIFEST_FILE).write_text(json.dumps(manifest, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for path in [*directory.iterdir(), directory]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def verify_adapter(directory: Path) -> str:
    """Compare every file with the manifest and return the manifest's SHA-256, which stands for all of them.

    ModelError when a file is missing, unknown or altered.
    """
    try:
        manifest = (directory / MANIFEST_FILE).read_bytes()
        expected = dict(json.loads(manifest)["sha256"])
        found = _digests(directory)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ModelError(
            expected=f"an adapter with its {MANIFEST_FILE} in {directory}",
            found=f"{type(exc).__name__}: {exc}",
            remedy="restore the folder from a backup, or tune again",
        ) from exc
    astray = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if astray:
        raise ModelError(
            expected=f"the adapter files that the tuning run wrote in {directory}",
            found=f"{len(astray)} missing, added or altered: {', '.join(astray)}",
            remedy="restore the folder from a backup, or tune again",
        )
    return hashlib.sha256(manifest).hexdigest()


def _digests(directory: Path) -> dict[str, str]:
    files = [path for path in sorted(directory.iterdir()) if path.name != MANIFEST_FILE]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
