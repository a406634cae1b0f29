"""From items to training batches: row by row for any model, or packed where one look at a frame serves all its rows.

Beside the model's inputs every batch has, per row (an example of a frame), ``row_weight`` (float32), ``row_task``
(int64, the place in ``TASKS``) and ``row_tokens`` (float32, the answer's tokens); the first item's rows come first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from transformers import ProcessorMixin

from workbench.models.chat import IGNORED_LABEL, ChatContract, encode
from workbench.models.packing import PackedBatch, pack
from workbench.tuning.encoding import EncodedFrame, TrainingItem
from workbench.tuning.examples import TASKS, Example
from workbench.tuning.image_features import joined_features

Batch = dict[str, Any]
_OURS = frozenset({"labels", "row_weight", "row_task", "row_tokens", "seen"})


@dataclass(frozen=True)
class Collator:
    """Encodes items through the chat contract, every row with a picture of its own, with ``labels`` [rows, length].

    Where items have features, ``seen`` takes the place of ``pixel_values``.
    """

    processor: ProcessorMixin
    contract: ChatContract

    def __call__(self, items: Sequence[TrainingItem]) -> Batch:
        rows = [(item.image, example) for item in items for example in item.examples]
        batch = encode(
            self.processor,
            self.contract,
            [image for image, _ in rows],
            [example.instruction for _, example in rows],
            [example.answer for _, example in rows],
        )
        if seen := [item.seen for item in items for _ in item.examples if item.seen]:
            del batch["pixel_values"]
            batch["seen"] = joined_features(seen)
        tokens = (batch["labels"] != IGNORED_LABEL).sum(dim=1)
        return {**batch, **_of_rows([example for _, example in rows], tokens)}


def collate_packed(frames: Sequence[EncodedFrame]) -> Batch:
    """Return a batch with ``packed`` (PackedBatch), ``packed_rows`` and the frames' pictures.

    ``packed_rows`` is int64 ``[frames, length]``: the row that a place belongs to; unused before the first question.
    Pixels are padded by zeros, as processors do; ``features`` of all frames stand one after another.
    """
    packed = pack([frame.tokens for frame in frames])
    examples = [example for frame in frames for example in frame.examples]
    first_rows = torch.tensor([0, *accumulate(len(frame.examples) for frame in frames)][:-1])
    tokens = torch.tensor([question.answer_length for frame in frames for question in frame.tokens.questions])
    return {
        "packed": packed,
        "packed_rows": (packed.segments - 1).clamp(min=0) + first_rows[:, None],
        **_pictures([frame.picture for frame in frames]),
        **_of_rows(examples, tokens),
    }


def model_inputs(batch: Mapping[str, Any]) -> Batch:
    """Return what of a Collator's batch the model itself takes."""
    return {name: value for name, value in batch.items() if name not in _OURS}


def to_device(batch: Mapping[str, Any], device: torch.device) -> Batch:
    return {name: _moved(value, device) for name, value in batch.items()}


def _moved(value: Any, device: torch.device) -> Any:
    if isinstance(value, PackedBatch):
        return PackedBatch(**{name: tensor.to(device) for name, tensor in vars(value).items()})
    if isinstance(value, dict):
        return to_device(value, device)
    return value.to(device, non_blocking=True)


def _of_rows(examples: Sequence[Example], tokens: torch.Tensor) -> Batch:
    return {
        "row_weight": torch.tensor([example.weight for example in examples], dtype=torch.float32),
        "row_task": torch.tensor([TASKS.index(example.task) for example in examples]),
        "row_tokens": tokens.float(),
    }


def _pictures(pictures: Sequence[Mapping[str, torch.Tensor]]) -> Batch:
    if "features" in pictures[0]:
        return {"features": torch.cat([picture["features"] for picture in pictures])}
    return {name: _stacked(picture[name] for picture in pictures) for name in pictures[0]}


def _stacked(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
    """Stack tensors of one rank and type, each padded by zeros to the largest."""
    tensors = list(tensors)
    shape = [max(sizes) for sizes in zip(*(tensor.shape for tensor in tensors), strict=True)]
    whole = tensors[0].new_zeros((len(tensors), *shape))
    for row, tensor in enumerate(tensors):
        places: tuple[slice | int, ...] = (row, *(slice(size) for size in tensor.shape))
        whole[places] = tensor
    return whole
