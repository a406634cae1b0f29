"""Which files of a model's folder decide what it computes, and the digest that names them; needs no torch."""

import hashlib
from pathlib import Path

__all__ = ["deciding_files", "model_digest"]

_DECIDING = {".safetensors", ".json", ".jinja", ".model", ".txt"}
"""Weights, configuration, processor, chat template and tokenizer, sentencepiece's and merges too."""


def deciding_files(directory: Path) -> list[Path]:
    """Return the files on which a model's answers rest, by name; a model card is none."""
    return sorted(file for file in directory.glob("*") if file.suffix in _DECIDING)


def model_digest(directory: Path) -> str:
    """Return the SHA-256 of what ``sha256sum`` prints of the deciding files; OSError if one cannot be read."""
    lines = hashlib.sha256()
    for path in deciding_files(directory):
        with path.open("rb") as file:
            lines.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n".encode())
    return lines.hexdigest()
