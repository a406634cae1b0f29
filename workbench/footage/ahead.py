"""Work done ahead of the one who asks for it, by threads: decoding goes on while the last picture is being stored."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

__all__ = ["ahead", "mapped_ahead"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Generator[Item], count: int) -> Iterator[Item]:
    """Yield ``items``, up to ``count`` of them computed before they are asked for, all by one thread."""
    try:
        with _pool(1) as pool:
            coming: deque[Future[list[Item]]] = deque()
            coming.extend(pool.submit(_next_of, items) for _ in range(count))
            while found := coming.popleft().result():
                coming.append(pool.submit(_next_of, items))
                yield from found
    finally:
        items.close()


def mapped_ahead(function: Callable[[Item], Result], items: Iterator[Item], workers: int) -> Iterator[Result]:
    """Yield ``function`` of each item, in the items' order, computed by ``workers`` threads.

    At most ``2 * workers`` results wait, so that memory stays flat.
    """
    with _pool(workers) as pool:
        coming = deque(pool.submit(function, item) for item in islice(items, 2 * workers))
        while coming:
            result = coming.popleft().result()
            coming.extend(pool.submit(function, item) for item in islice(items, 1))
            yield result


def _next_of(items: Iterator[Item]) -> list[Item]:
    return list(islice(items, 1))


@contextmanager
def _pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(workers, thread_name_prefix="footage")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
