"""Reads captions in COCO's layout: references under ``annotations``, candidates as a list."""

from dataclasses import dataclass
from pathlib import Path

from workbench.evaluation.json_rows import check_same, keys_of, read_rows, text_of

__all__ = ["CaptionPairs", "load_caption_pairs"]

_REFERENCES = '{"annotations": [{"image_id", "caption"}, …]}'
_CANDIDATES = '[{"image_id", "caption"}, …]'


@dataclass(frozen=True)
class CaptionPairs:
    """One candidate and at least one reference per image, in the order in which the images are first referred to."""

    candidates: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]


def load_caption_pairs(references: Path, candidates: Path) -> CaptionPairs:
    """Return what two files say about the same images; UsageError when they do not fit their layouts or each other."""
    rows = read_rows(references, _REFERENCES, below="annotations")
    by_image: dict[int | str, list[str]] = {}
    for image, row in zip(keys_of(references, rows, "image_id", alone=False), rows, strict=True):
        by_image.setdefault(image, []).append(text_of(references, row, "caption"))
    said_rows = read_rows(candidates, _CANDIDATES)
    images = keys_of(candidates, said_rows, "image_id")
    check_same(candidates, images, references, by_image, "image")
    said = {image: text_of(candidates, row, "caption") for image, row in zip(images, said_rows, strict=True)}
    return CaptionPairs(tuple(said[image] for image in by_image), tuple(map(tuple, by_image.values())))
