"""Many items through one model, on all machines at once (Ray Data)."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import ray.data

from workbench.cluster.resources import share_for
from workbench.errors import WorkbenchError

__all__ = ["mapped"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def mapped(
    load: Callable[[], Callable[[Sequence[_Item]], Sequence[_Result]]], items: Sequence[_Item], *, at_once: int
) -> Iterator[_Result]:
    """Yield the result of each item (text or bytes), in order.

    Every machine (or GPU) calls ``load`` once, for what makes results of ``at_once`` items at a time. A WorkbenchError
    there is raised here.
    """
    if not items:
        return
    share = share_for()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    rows = ray.data.from_items([{"item": item} for item in items], override_num_blocks=math.ceil(len(items) / at_once))
    made = rows.map_batches(
        _Maker,
        fn_constructor_args=[load],
        batch_size=at_once,
        batch_format="numpy",
        num_gpus=share.gpus,
        num_cpus=share.cores,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=share.workers),
    )
    for row in made.iter_rows():
        if isinstance(result := row["made"].result, WorkbenchError):
            raise result
        yield result


@dataclass(frozen=True)
class _Made:
    """A result that travels as it is: in the columns of a table, mappings get each other's keys."""

    result: Any


class _Maker:
    def __init__(self, load: Callable[[], Callable[[Sequence[Any]], Sequence[Any]]]) -> None:
        self._load = load
        self._make: Callable[[Sequence[Any]], Sequence[Any]] | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        items = batch["item"].tolist()
        try:
            self._make = self._make or self._load()
            results = self._make(items)
        except WorkbenchError as error:
            results = [error] * len(items)
        made = [_Made(result) for _, result in zip(items, results, strict=True)]
        return {"made": np.array(made, dtype=object)}
