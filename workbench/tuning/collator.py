"""From labelled frames to training batches: one frame with all its instructions is one item."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch.utils.data import Dataset
from transformers import ProcessorMixin

from workbench.domain import LabelledFrame
from workbench.errors import DatasetError
from workbench.models.chat import ChatContract, encode
from workbench.recipe import Data, Tasks
from workbench.tuning.augmentation import augment
from workbench.tuning.examples import Example, examples_of
from workbench.tuning.sampling import Draw

TASKS = tuple(Tasks.model_fields)
_OURS = frozenset({"labels", "row_weight", "row_task", "row_frame"})


@dataclass(frozen=True)
class TrainingItem:
    """A decoded frame with what it teaches."""

    image: Image.Image
    examples: tuple[Example, ...]


class DrawnFrames(Dataset[TrainingItem]):
    """The draws of a plan, in order. What a draw looks like is a function of the seed, its epoch, index and place."""

    def __init__(
        self, frames: Sequence[LabelledFrame], plan: Sequence[Draw], class_names: Sequence[str], data: Data, seed: int
    ) -> None:
        self.plan = plan
        self._frames, self._class_names, self._data, self._seed = frames, class_names, data, seed

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, place: int) -> TrainingItem:
        draw = self.plan[place]
        rng = np.random.default_rng((self._seed, draw.epoch, draw.index, place))
        item = item_of(self._frames[draw.index], self._class_names, self._data)
        return TrainingItem(augment(item.image, self._data.augmentation, rng), item.examples)


class FixedFrames(Dataset[TrainingItem]):
    """Every frame once, as it is: what is measured on."""

    def __init__(self, frames: Sequence[LabelledFrame], class_names: Sequence[str], data: Data) -> None:
        self._frames, self._class_names, self._data = frames, class_names, data

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, place: int) -> TrainingItem:
        return item_of(self._frames[place], self._class_names, self._data)


@dataclass(frozen=True)
class Collator:
    """Encodes items through the chat contract, row by row: the first item's examples, then the second's.

    Beside the model's inputs and ``labels`` the batch has, per row, ``row_weight`` (float32), ``row_task`` (int64, the
    place in ``TASKS``) and ``row_frame`` (int64, the place in the batch of the frame that the row asks about).
    """

    processor: ProcessorMixin
    contract: ChatContract

    def __call__(self, items: Sequence[TrainingItem]) -> dict[str, Any]:
        rows = [(place, item.image, example) for place, item in enumerate(items) for example in item.examples]
        batch = encode(
            self.processor,
            self.contract,
            [image for _, image, _ in rows],
            [example.instruction for _, _, example in rows],
            [example.answer for _, _, example in rows],
        )
        return {
            **batch,
            "row_weight": torch.tensor([example.weight for _, _, example in rows]),
            "row_task": torch.tensor([TASKS.index(example.task) for _, _, example in rows]),
            "row_frame": torch.tensor([place for place, _, _ in rows]),
        }


def model_inputs(batch: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a Collator's batch the model itself takes."""
    return {name: value for name, value in batch.items() if name not in _OURS}


def item_of(frame: LabelledFrame, class_names: Sequence[str], data: Data) -> TrainingItem:
    """Decode ``frame``; DatasetError when its bytes are no image."""
    try:
        image = Image.open(io.BytesIO(frame.image_jpeg)).convert("RGB")
    except (UnidentifiedImageError, OSError) as exc:
        raise DatasetError(
            expected=f"a JPEG image of frame {frame.frame_id[:12]}",
            found=f"{len(frame.image_jpeg)} bytes that do not decode",
            remedy="ingest its clip again and build the dataset anew",
        ) from exc
    return TrainingItem(image, examples_of(frame, class_names, data.tasks))
