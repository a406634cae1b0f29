"""From all stills that a sampling took to those worth a person's time, with a count of what each step dropped.

Cheap steps come first: the perceptual hash as each still comes, then, over all of them, the distance of embeddings, the
quotas and the diverse subset. The pictures themselves wait in a temporary file, so that memory stays flat.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO

import numpy as np

from workbench.domain import SelectionStep
from workbench.errors import FootageError, StorageError
from workbench.footage.diversity import SAME_VIEW_DISTANCE, Embeddings, far_apart, farthest_points
from workbench.footage.fingerprints import HASH_BITS, SAME_PICTURE_BITS, SeenPictures, picture_hash
from workbench.footage.quotas import Quota, diversely, evenly, hour_of, within_quota

__all__ = ["Embed", "KnownStills", "Selection", "SelectionReport", "SelectionRules", "Sieve", "sieve"]

Embed = Callable[[Iterator[bytes]], Embeddings]
"""From stored pictures (JPEG), one after the other, to their embeddings ``[n_pictures, width]``."""


@dataclass(frozen=True)
class SelectionRules:
    """What is dropped; None leaves a step out.

    ``same_picture_bits``: within so many of 256 bits of a still kept, a still is a duplicate. ``same_view_distance``:
    so near in cosine distance it says the same. ``size``: how many are to be left of one call, as different as can be.
    """

    same_picture_bits: int | None = SAME_PICTURE_BITS
    same_view_distance: float | None = SAME_VIEW_DISTANCE
    quota: Quota = field(default_factory=Quota)
    size: int | None = None

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise FootageError(
                expected="a subset of one still or more", found=f"{self.size}", remedy="leave it out to keep all"
            )
        if self.same_view_distance is not None and not 0 <= self.same_view_distance <= 2:
            raise FootageError(
                expected="a cosine distance from 0 to 2",
                found=f"{self.same_view_distance:g}",
                remedy=f"{SAME_VIEW_DISTANCE:g} is the usual one",
            )

    @property
    def compares_with_known(self) -> bool:
        """Whether hashes and embeddings of stills that are known already make a difference."""
        return not (self.same_picture_bits is None and self.same_view_distance is None and self.size is None)


@dataclass(frozen=True)
class KnownStills:
    """What the catalogue holds of the same camera, in one order: ids, hashes and embeddings ``[n_known, width]``.

    ``by_hour`` counts all of its stills by :func:`~workbench.footage.quotas.hour_of`, also those not listed.
    """

    ids: Sequence[str] = ()
    hashes: Sequence[str] = ()
    embeddings: Embeddings | None = None
    by_hour: Mapping[datetime, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = len(self.ids)
        if len(self.hashes) != rows or (self.embeddings is not None and len(self.embeddings) != rows):
            raise ValueError(f"expected a hash and an embedding for each of {rows} ids, got {len(self.hashes)} hashes")

    def without(self, again: Mapping[str, datetime]) -> "KnownStills":
        """Return this without the stills ``again`` (by id, when they were taken)."""
        rows = [row for row, id_ in enumerate(self.ids) if id_ not in again]
        return KnownStills(
            [self.ids[row] for row in rows],
            [self.hashes[row] for row in rows],
            None if self.embeddings is None else self.embeddings[rows],
            Counter(self.by_hour) - Counter(map(hour_of, again.values())),
        )


@dataclass(frozen=True)
class SelectionReport:
    """How many stills were found, and what each step that was asked for left of them."""

    found: int
    kept: int
    steps: tuple[SelectionStep, ...]


@dataclass(frozen=True)
class Selection:
    """``kept`` are numbers that :meth:`Sieve.offer` gave, ascending; ``embeddings`` are theirs, where there are any."""

    kept: tuple[int, ...]
    report: SelectionReport
    embeddings: Embeddings | None


@contextmanager
def sieve(rules: SelectionRules, known: KnownStills = KnownStills()) -> Iterator["Sieve"]:
    """Yield an empty sieve for the stills of one camera; its temporary file is gone afterwards."""
    with tempfile.TemporaryFile(prefix="stills-") as pictures:
        yield Sieve(rules, known, pictures)


class Sieve:
    """Stills that passed the perceptual hash, waiting for :meth:`settle`."""

    def __init__(self, rules: SelectionRules, known: KnownStills, pictures: IO[bytes]) -> None:
        self._rules, self._known, self._pictures = rules, known, pictures
        bits = rules.same_picture_bits
        self._seen = None if bits is None else SeenPictures(known.hashes, same_bits=bits)
        self._again: dict[str, datetime] = {}
        self._found = 0
        self._ends = [0]
        self._taken_at: list[datetime] = []
        self._hashes: list[str] = []

    def offer(self, jpeg: bytes, taken_at: datetime, *, known_id: str | None = None) -> int | None:
        """Return the still's number, or None when it is a near-duplicate.

        One that the catalogue has (``known_id``) is no duplicate of itself, and later steps judge it as if it were
        new: the same footage with the same rules gives the same when it comes again.
        """
        self._found += 1
        text = picture_hash(jpeg)
        is_new = self._seen is None or self._seen.keep_if_new(text)
        if known_id is not None:
            is_new = known_id not in self._again
            self._again.setdefault(known_id, taken_at)
        if not is_new:
            return None
        self._write(jpeg)
        self._ends.append(self._ends[-1] + len(jpeg))
        self._taken_at.append(taken_at)
        self._hashes.append(text)
        return len(self._taken_at) - 1

    def jpeg(self, number: int) -> bytes:
        self._pictures.seek(self._ends[number])
        return self._pictures.read(self._ends[number + 1] - self._ends[number])

    def picture_hash(self, number: int) -> str:
        return self._hashes[number]

    def settle(self, embed: Embed | None = None) -> Selection:
        """Apply the steps that need all stills; without ``embed`` those by embedding are left out.

        The quota then chooses evenly over the time, and so does the subset of ``size``.
        """
        rules, known = self._rules, self._known.without(self._again)
        steps: list[SelectionStep] = []
        numbers = list(range(len(self._taken_at)))
        if rules.same_picture_bits is not None:
            reason = f"within {rules.same_picture_bits} of {HASH_BITS} bits of a still kept"
            steps.append(SelectionStep("perceptual hash", len(numbers), self._found - len(numbers), reason))
        embeddings = self._embedded(embed)
        if embeddings is not None and rules.same_view_distance is not None:
            apart = far_apart(embeddings, least_distance=rules.same_view_distance, known=known.embeddings)
            reason = f"within {rules.same_view_distance:g} in cosine distance of a still kept"
            steps.append(SelectionStep("embedding", len(apart), len(numbers) - len(apart), reason))
            numbers = apart
        numbers = self._within_quota(numbers, embeddings, known, steps)
        numbers = self._subset(numbers, embeddings, known, steps)
        report = SelectionReport(self._found, len(numbers), tuple(steps))
        return Selection(tuple(numbers), report, None if embeddings is None else embeddings[numbers])

    def _write(self, jpeg: bytes) -> None:
        try:
            self._pictures.seek(self._ends[-1])
            self._pictures.write(jpeg)
        except OSError as error:
            raise StorageError(
                expected=f"room for stills in the temporary folder {tempfile.gettempdir()}",
                found=error.strerror or str(error),
                remedy="free some space or set TMPDIR to another folder",
            ) from error

    def _embedded(self, embed: Embed | None) -> Embeddings | None:
        if embed is None or not self._taken_at:
            return None
        embeddings = np.asarray(embed(self.jpeg(number) for number in range(len(self._taken_at))), np.float32)
        if embeddings.ndim != 2 or len(embeddings) != len(self._taken_at):
            raise FootageError(
                expected=f"one embedding for each of {len(self._taken_at)} stills",
                found=f"an array of shape {embeddings.shape}",
                remedy="check the model that made them",
            )
        return embeddings

    def _within_quota(
        self, numbers: list[int], embeddings: Embeddings | None, known: KnownStills, steps: list[SelectionStep]
    ) -> list[int]:
        quota = self._rules.quota
        taken_at = [self._taken_at[number] for number in numbers]
        choice = evenly(taken_at) if embeddings is None else diversely(embeddings[numbers])
        outcome = within_quota(taken_at, quota, choice=choice, known_by_hour=known.by_hour)
        after_hours = len(numbers) - outcome.dropped_by_hour
        if quota.per_hour is not None:
            reason = f"more than {quota.per_hour} in an hour"
            steps.append(SelectionStep("quota by hour", after_hours, outcome.dropped_by_hour, reason))
        if quota.per_camera is not None:
            reason = f"more than {quota.per_camera} of the camera"
            steps.append(SelectionStep("quota of the camera", len(outcome.kept), outcome.dropped_by_camera, reason))
        return [numbers[index] for index in outcome.kept]

    def _subset(
        self, numbers: list[int], embeddings: Embeddings | None, known: KnownStills, steps: list[SelectionStep]
    ) -> list[int]:
        size = self._rules.size
        if size is None:
            return numbers
        if embeddings is None:
            taken_at = [self._taken_at[number] for number in numbers]
            chosen = evenly(taken_at)(range(len(numbers)), size)
        else:
            chosen = farthest_points(embeddings[numbers], size, known=known.embeddings)
        reason = f"not among the {size} that differ most"
        steps.append(SelectionStep("diverse subset", len(chosen), len(numbers) - len(chosen), reason))
        return [numbers[index] for index in chosen]
