"""ChatEarthNet's pairs of pictures and texts: a list of objects with a picture's file name and its caption.

The layout is that of ``json_files.zip`` (``ChatEarthNet_caps_35_train.json`` and so on) at
https://doi.org/10.5281/zenodo.11003436. Its files do not agree on the name of the picture's field, and a caption is a
text or a list of texts.
"""

import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from pydantic import AliasChoices, BaseModel, Field

from workbench.labeling.formats.file_label import Entry, FileLabel, LeftOut, PictureFile, Problem
from workbench.labeling.formats.json_reading import checked, items

__all__ = ["PICTURE_KEYS", "load_chat_earth_net", "save_chat_earth_net"]

PICTURE_KEYS = ("image_id", "image", "image_name")


class _Pair(BaseModel):
    picture: str = Field(validation_alias=AliasChoices(*PICTURE_KEYS), min_length=1)
    caption: str | list[str]


def load_chat_earth_net(file: BinaryIO) -> Iterator[Entry]:
    for number, value in enumerate(items(file, "item"), start=1):
        where = f"entry {number}"
        pair = checked(_Pair, value, where)
        if isinstance(pair, Problem):
            yield pair
            continue
        for text in [pair.caption] if isinstance(pair.caption, str) else pair.caption:
            caption = text.strip()
            yield (
                FileLabel(PictureFile(pair.picture), where, caption=caption)
                if caption
                else LeftOut("captions without a word")
            )


def save_chat_earth_net(labels: Sequence[FileLabel]) -> str:
    """Return the captions among ``labels`` as a file."""
    pairs = [{"image_id": str(label.shown), "caption": label.caption} for label in labels if label.caption]
    return json.dumps(pairs, ensure_ascii=False)
