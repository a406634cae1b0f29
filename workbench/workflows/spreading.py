"""Work on many frames: in this process, or on the cluster where there is one and they are many enough."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TypeVar

from workbench.workflows.workspace import Workspace

__all__ = ["is_spread", "spread"]

_Item = TypeVar("_Item", str, bytes)
_Result = TypeVar("_Result")
Make = Callable[[Sequence[_Item]], Sequence[_Result]]
_SENT_AT_ONCE = 4096
"""Items that the cluster is given at a time, pictures among them, which lie in memory meanwhile."""


def spread(
    workspace: Workspace,
    items: Iterable[_Item],
    *,
    here: Make[_Item, _Result],
    there: Callable[[Workspace], Make[_Item, _Result]],
    at_once: int,
) -> Iterator[_Result]:
    """Yield in order what ``here``, or what ``there`` gives on each machine of the cluster, makes of ``items``."""
    waiting = iter(items)
    while held := list(islice(waiting, _SENT_AT_ONCE if workspace.settings.ray_address else at_once)):
        if is_spread(workspace, len(held)):
            yield from _on_cluster(workspace, held, there, at_once)
        else:
            for start in range(0, len(held), at_once):
                yield from here(held[start : start + at_once])


def is_spread(workspace: Workspace, items: int) -> bool:
    """Tell whether work on so many items goes to the cluster."""
    return bool(workspace.settings.ray_address) and items >= workspace.settings.ray_min_frames


def _on_cluster(
    workspace: Workspace, items: Sequence[_Item], there: Callable[[Workspace], Make[_Item, _Result]], at_once: int
) -> Iterator[_Result]:
    from workbench.cluster.connection import connected

    with connected(workspace.settings.ray_address, workspace.settings.environment()):
        from workbench.cluster.batches import mapped

        yield from mapped(partial(_opened, there), items, at_once=at_once)


def _opened(there: Callable[[Workspace], Make[_Item, _Result]]) -> Make[_Item, _Result]:
    return there(Workspace.open())
