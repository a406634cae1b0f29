"""The list of all that is in a dataset version; the SHA-256 of its text is the version's id."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from workbench.domain import Split
from workbench.errors import DatasetError

__all__ = ["Manifest", "ManifestRow", "manifest_to_text", "text_to_manifest"]

_FORMAT = 1


@dataclass(frozen=True)
class ManifestRow:
    """A frame, what is taken to be true about it, and everybody who said something about it."""

    frame_id: str
    camera: str
    clip_id: str
    clip_name: str
    offset_s: float
    taken_at: datetime
    class_name: str
    caption: str
    split: Split
    annotators: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """``dropped`` frames lay too near to another split; ``problems`` says in sentences what the split could not do."""

    site: str
    class_names: tuple[str, ...]
    parent_id: str | None
    seed: int
    gaps_s: Mapping[str, float]
    dropped: tuple[str, ...]
    problems: tuple[str, ...]
    rows: tuple[ManifestRow, ...]

    @property
    def id(self) -> str:
        return hashlib.sha256(manifest_to_text(self).encode()).hexdigest()

    def of(self, split: Split) -> tuple[ManifestRow, ...]:
        return tuple(row for row in self.rows if row.split == split)


def manifest_to_text(manifest: Manifest) -> str:
    """Return canonical JSON (sorted keys, no spaces, rows in order, UTC): equal manifests give equal text."""
    content = asdict(manifest)
    content["format"] = _FORMAT
    for row in content["rows"]:
        row["taken_at"] = row["taken_at"].isoformat()
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text_to_manifest(text: str) -> Manifest:
    """Return the manifest that ``text`` spells; DatasetError when it spells none."""
    try:
        content = json.loads(text)
        rows = tuple(_row(row) for row in content.pop("rows"))
        if (written_as := content.pop("format")) != _FORMAT:
            raise ValueError(f"format {written_as}")
        for name in ("class_names", "dropped", "problems"):
            content[name] = tuple(content[name])
        return Manifest(rows=rows, **content)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DatasetError(
            expected=f"a dataset manifest of format {_FORMAT}",
            found=f"something else ({exc})",
            remedy="build the dataset again with `workbench dataset build`",
        ) from exc


def _row(content: dict[str, object]) -> ManifestRow:
    fields = {
        **content,
        "taken_at": datetime.fromisoformat(str(content["taken_at"])),
        "split": Split(str(content["split"])),
        "annotators": tuple(content["annotators"]),  # type: ignore[arg-type]
    }
    return ManifestRow(**fields)  # type: ignore[arg-type]
