"""The batches of a run as data, so that a DataLoader's workers hand on our errors whole.

torch raises a worker's exception again from its text alone, which an error with ``expected``, ``found`` and ``remedy``
does not take: what a person could mend would end as a traceback.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch.utils.data import Dataset

from workbench.errors import WorkbenchError
from workbench.tuning.collator import Batch
from workbench.tuning.frames import DrawnFrames

__all__ = ["Batches", "as_it_is", "received"]


@dataclass(frozen=True)
class Refusal:
    """A WorkbenchError in transit."""

    kind: type[WorkbenchError]
    expected: str
    found: str
    remedy: str


@dataclass(frozen=True)
class Batches(Dataset[Batch | Refusal]):
    """The draws of a plan, ``size`` at a time."""

    train: DrawnFrames
    collate: Callable[[Sequence[Any]], Batch]
    size: int

    def __len__(self) -> int:
        return len(self.train) // self.size

    def __getitem__(self, number: int) -> Batch | Refusal:
        places = range(number * self.size, (number + 1) * self.size)
        try:
            return self.collate([self.train[place] for place in places])
        except WorkbenchError as error:
            return Refusal(type(error), error.expected, error.found, error.remedy)


def as_it_is(batch: Any) -> Any:
    """Collate nothing more."""
    return batch


def received(batch: Batch | Refusal) -> Batch:
    """Return the batch, or raise the error that there is in its place."""
    if isinstance(batch, Refusal):
        raise batch.kind(expected=batch.expected, found=batch.found, remedy=batch.remedy)
    return batch
