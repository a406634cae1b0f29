"""A site's frames as a dual encoder learns from them: a picture, which caption it has and which class."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from workbench.domain import LabelledFrame
from workbench.errors import DatasetError
from workbench.models.dual_encoder import DualEncoder
from workbench.progress import Progress, silent
from workbench.recipe import Augmentation
from workbench.tuning.augmentation import augment
from workbench.tuning.collator import Batch
from workbench.tuning.encoding import decode
from workbench.tuning.examples import TaughtFrame
from workbench.tuning.frames import Look

__all__ = ["PairLabels", "PairLooks", "collate_pairs", "same_words"]


def same_words(caption: str) -> str:
    """Return what captions have in common that say the same: neither case, punctuation nor spaces tell them apart."""
    kept = "".join(letter if letter.isalnum() else " " for letter in caption.casefold())
    return " ".join(kept.split())


@dataclass(frozen=True)
class PairLabels:
    """What people said of some frames, in whose order everything but ``captions`` stands.

    ``captions`` are the different ones; ``caption_of`` and ``class_of`` are ``[frames]``, as are ``clips``, numbered.
    """

    frame_ids: tuple[str, ...]
    captions: tuple[str, ...]
    caption_of: torch.Tensor
    class_of: torch.Tensor
    clips: torch.Tensor

    @classmethod
    def of(cls, frames: Sequence[LabelledFrame], class_names: Sequence[str]) -> "PairLabels":
        """DatasetError when a frame is of a class that is none of ``class_names``."""
        seen = [(frame.frame_id, frame.caption, frame.class_name, frame.clip_id) for frame in frames]
        ids, captions, classes, clips = zip(*seen, strict=True) if seen else ((), (), (), ())
        if unknown := set(classes) - set(class_names):
            raise DatasetError(
                expected=f"frames of the site's classes {', '.join(class_names)}",
                found=", ".join(sorted(unknown)),
                remedy="build the dataset again",
            )
        spelt = {same_words(caption): caption for caption in reversed(captions)}
        return cls(
            ids,
            tuple(spelt.values()),
            _places([same_words(caption) for caption in captions], list(spelt)),
            _places(classes, class_names),
            _places(clips, sorted(set(clips))),
        )


@dataclass(frozen=True)
class PairLooks:
    """Makes items of frames: their pixels or, where the image tower learns nothing, what it said once and for all.

    ``rows`` numbers the frames by their ids; ``seen`` is filled by ``look_at`` and None where pixels are wanted.
    """

    encoder: DualEncoder
    augmentation: Augmentation
    rows: dict[str, int]
    seen: dict[tuple[str, Look], torch.Tensor] | None = field(default=None)

    def at(self, frame: TaughtFrame, look: Look) -> Any:
        if self.seen is None:
            return {"row": self.rows[frame.frame_id], "picture": self._pixels(frame, look)}
        return {"row": self.rows[frame.frame_id], "picture": self.seen[frame.frame_id, look]}

    def look_at(
        self, wanted: Sequence[tuple[TaughtFrame, Look]], *, at_once: int = 32, progress: Progress = silent
    ) -> "PairLooks":
        """Return the same with everything in ``wanted`` seen by the image tower."""
        seen: dict[tuple[str, Look], torch.Tensor] = {}
        for start in range(0, len(wanted), at_once):
            some = wanted[start : start + at_once]
            with torch.no_grad():
                pixels = torch.stack([self._pixels(frame, look) for frame, look in some])
                pooled = self.encoder.pool_images(pixels.to(self.encoder.core.device)).float().cpu()
            seen.update({(frame.frame_id, look): row for (frame, look), row in zip(some, pooled, strict=True)})
            progress(len(seen), len(wanted), "frames seen by the image tower")
        return PairLooks(self.encoder, self.augmentation, self.rows, seen)

    def _pixels(self, frame: TaughtFrame, look: Look) -> torch.Tensor:
        image = decode(frame.frame_id, frame.read())
        if look:
            image = augment(image, self.augmentation, np.random.default_rng((int(frame.frame_id[:16], 16), *look)))
        return self.encoder.pixels([image])[0]


def collate_pairs(items: Sequence[Any]) -> Batch:
    return {
        "row": torch.tensor([item["row"] for item in items]),
        "picture": torch.stack([item["picture"] for item in items]),
    }


def _places(names: Sequence[str], among: Sequence[str]) -> torch.Tensor:
    numbers = {name: number for number, name in enumerate(among)}
    return torch.tensor([numbers[name] for name in names], dtype=torch.int64)
