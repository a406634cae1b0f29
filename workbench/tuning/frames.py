"""The data sets of a run: the draws of its plan, and the frames that it is measured on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from torch.utils.data import Dataset

from workbench.recipe import Augmentation
from workbench.tuning.augmentation import augment
from workbench.tuning.encoding import EncodedFrame, FrameEncoder, TrainingItem, item_of
from workbench.tuning.examples import TaughtFrame
from workbench.tuning.sampling import Draw

Item = TrainingItem | EncodedFrame
Look = tuple[int, ...]
"""The numbers from which a frame's variation is drawn; AS_IT_IS has none."""

AS_IT_IS: Look = ()


class Looks(Protocol):
    """How a frame becomes an item: from its pixels, or from what a frozen vision tower saw of it before."""

    def at(self, frame: TaughtFrame, look: Look) -> Item: ...


@dataclass(frozen=True)
class PixelLooks:
    """Decodes and prepares a frame each time; without an ``encoder`` the processor gets the items row by row."""

    augmentation: Augmentation
    encoder: FrameEncoder | None

    def at(self, frame: TaughtFrame, look: Look) -> Item:
        item = item_of(frame)
        if look:
            rng = np.random.default_rng((int(frame.frame_id[:16], 16), *look))
            item = replace(item, image=augment(item.image, self.augmentation, rng))
        return self.encoder.encode(item) if self.encoder else item


@dataclass(frozen=True)
class DrawnFrames(Dataset[Item]):
    """The draws of a plan, in order. What a draw looks like is a function of the seed, its epoch, index and place."""

    frames: Sequence[TaughtFrame]
    plan: Sequence[Draw]
    looks: Looks
    augmentation: Augmentation
    seed: int

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, place: int) -> Item:
        return self.looks.at(*self.drawn(place))

    def drawn(self, place: int) -> tuple[TaughtFrame, Look]:
        return self._frame(place), self.look(place)

    def look(self, place: int) -> Look:
        """Return the variation of the frame drawn at ``place``: one of its fixed views in turn, or a new one."""
        draw = self.plan[place]
        if not self.augmentation.varies:
            return AS_IT_IS
        if self.augmentation.views:
            return (1 + (draw.epoch + draw.index) % self.augmentation.views,)
        return (self.seed, draw.epoch, draw.index, place)

    def weight_of(self, place: int) -> float:
        """Return the sum of the weights of the rows at ``place``; needs no picture."""
        return sum(example.weight for example in self._frame(place).examples)

    def wanted(self) -> list[tuple[TaughtFrame, Look]]:
        """Return every frame and look of the plan once, in their order."""
        places = {(self.plan[place].index, self.look(place)): place for place in reversed(range(len(self)))}
        return [(self._frame(place), look) for (_, look), place in reversed(places.items())]

    def _frame(self, place: int) -> TaughtFrame:
        return self.frames[self.plan[place].index]


@dataclass(frozen=True)
class FixedFrames(Dataset[Item]):
    """Every frame once, as it is: what is measured on."""

    frames: Sequence[TaughtFrame]
    looks: Looks

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, place: int) -> Item:
        return self.looks.at(self.frames[place], AS_IT_IS)

    def wanted(self) -> list[tuple[TaughtFrame, Look]]:
        return [(frame, AS_IT_IS) for frame in self.frames]
