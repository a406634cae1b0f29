"""A seeded search for the division of blocks among splits that comes nearest to the asked shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, permutations

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.shares import Shares
from workbench.datasets.timelines import SPLITS, Block, keep_apart

__all__ = ["divide"]

_RANDOM_STARTS = 7
_BLOCKS_STARTED = 2_000
"""Of so many blocks in all starts; more come near to any shares from wherever the search starts."""
_SPLITS = np.arange(len(SPLITS))[:, None]
_OUT_OF_ORDER = 0.1
"""How much nearer a division from a random start must be than the one that began in the order of time."""
_DIGITS = 9


def divide(blocks: Sequence[Block], shares: Shares, *, seed: int) -> list[NDArray[np.int8]]:
    """Return the split ``[segments]`` of each block's segments, as indices into ``SPLITS``.

    The search starts with each camera's time divided in order (train, validation, test), then, unless that came near
    or there are very many blocks, some more times at random. Each block in turn moves the stretch of its segments that
    helps most to another split, or is divided anew, again and again until nothing gets nearer. What began in order,
    with test last, is left only for something clearly nearer.
    """
    generator = np.random.default_rng(seed)
    tallies = [_Tally.of(block, shares) for block in blocks]
    starts = [
        _in_order_of_time(blocks, shares),
        *(
            _at_random(blocks, shares, generator)
            for _ in range(min(_RANDOM_STARTS, _BLOCKS_STARTED // max(1, len(blocks))))
        ),
    ]
    found = (_descend(tallies, shares, start, generator.permutation(len(blocks))) for start in starts)
    in_order = next(found)
    if in_order[0] <= _OUT_OF_ORDER:
        return in_order[1]
    nearest = min(in_order, *found, key=lambda result: result[0])
    return (in_order if in_order[0] <= nearest[0] + _OUT_OF_ORDER else nearest)[1]


@dataclass(frozen=True, eq=False)
class _Tally:
    """How many frames of a block each split gets. ``inner`` is ``[segments, strata]``, all frames that always stay."""

    inner: NDArray[np.float64]
    border: Block
    border_members: NDArray[np.float64]

    @classmethod
    def of(cls, block: Block, shares: Shares) -> "_Tally":
        members, droppable = shares.members(block.frames), block.droppable()
        inner = np.zeros((block.segments[-1] + 1, len(shares.strata)))
        np.add.at(inner, block.segments[~droppable], members[~droppable])
        return cls(inner, block.only(droppable), members[droppable])

    def counts(self, ways: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return how many frames ``[options, splits, strata]`` stay in each split."""
        inner = _sums(ways[:, None, :] == _SPLITS, self.inner)
        if not self.border.frames:
            return inner
        splits = self.border.frame_splits(ways)
        stays = (splits[:, None, :] == _SPLITS) & keep_apart(self.border, splits)[:, None, :]
        return inner + _sums(stays, self.border_members)


def _sums(chosen: NDArray[np.bool_], members: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``[options, splits, strata]``: the sums of the members ``[rows, strata]`` that are chosen."""
    flat: NDArray[np.float64] = chosen.reshape(-1, chosen.shape[-1]).astype(np.float64) @ members
    return flat.reshape(*chosen.shape[:-1], -1)


def _descend(
    tallies: Sequence[_Tally], shares: Shares, start: Sequence[NDArray[np.int8]], order: NDArray[np.int64]
) -> tuple[float, list[NDArray[np.int8]]]:
    chosen = list(start)
    counts = [tally.counts(splits[None])[0] for tally, splits in zip(tallies, chosen, strict=True)]
    total = np.sum(counts, axis=0)
    distance = float(shares.distance(total).round(_DIGITS))
    while True:
        for index in order:
            ways = _moves(chosen[index], shares.open_splits)
            options = tallies[index].counts(ways)
            rest = total - counts[index]
            best = int(shares.distance(rest + options).round(_DIGITS).argmin())
            chosen[index], counts[index] = ways[best], options[best]
            total = rest + counts[index]
        nearer = float(shares.distance(total).round(_DIGITS))
        if nearer >= distance:
            return distance, chosen
        distance = nearer


def _in_order_of_time(blocks: Sequence[Block], shares: Shares) -> list[NDArray[np.int8]]:
    ends = np.cumsum(shares.of_open_splits)[:-1]
    sizes: dict[str, int] = {}
    for block in blocks:
        sizes[block.camera] = sizes.get(block.camera, 0) + len(block.frames)
    passed = dict.fromkeys(sizes, 0)
    divided = []
    for block in blocks:
        segment_sizes = np.bincount(block.segments)
        middles = passed[block.camera] + np.cumsum(segment_sizes) - segment_sizes / 2
        divided.append(
            np.array(shares.open_splits, dtype=np.int8)[np.searchsorted(ends, middles / sizes[block.camera])]
        )
        passed[block.camera] += len(block.frames)
    return divided


def _at_random(blocks: Sequence[Block], shares: Shares, generator: np.random.Generator) -> list[NDArray[np.int8]]:
    of_blocks = generator.choice(shares.open_splits, size=len(blocks), p=shares.of_open_splits)
    return [np.full(block.segments[-1] + 1, split, np.int8) for block, split in zip(blocks, of_blocks, strict=True)]


def _moves(splits: NDArray[np.int8], open_splits: Sequence[int]) -> NDArray[np.int8]:
    """Return ``[options, segments]``: things as they are, a stretch moved, or all divided anew, one stretch a split."""
    if len(splits) == 1:
        return np.array([splits[0], *open_splits], dtype=np.int8)[:, None]
    positions = np.arange(len(splits))
    first, last = np.triu_indices(len(splits))
    stretch = (first[:, None] <= positions) & (positions <= last[:, None])
    moved = [np.where(stretch, np.int8(split), splits) for split in open_splits]
    cuts = np.array(list(combinations_with_replacement(range(len(splits) + 1), len(open_splits) - 1)), dtype=np.int64)
    place = (positions[:, None] >= cuts[:, None]).sum(axis=2)
    anew = [np.array(order, dtype=np.int8)[place] for order in permutations(open_splits)]
    return np.concatenate([splits[None], *moved, *anew])
