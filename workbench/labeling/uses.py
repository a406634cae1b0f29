"""How often each label is in use, and what is said to somebody who wants to do without one that is."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from workbench.labeling.renames import name_of
from workbench.labeling.taxonomy import Label, Vocabulary
from workbench.wording import counted

__all__ = ["Uses"]


@dataclass(frozen=True)
class Uses:
    """In how many things of each kind (answers, drafts, …) each label occurs."""

    counts: Counter[tuple[str, Label]] = field(default_factory=Counter)

    def count(self, kind: str, labels: Iterable[Label]) -> None:
        """Count one more thing of ``kind``, named in the singular, in which ``labels`` occur."""
        self.counts.update((kind, label) for label in set(labels))

    def __add__(self, other: "Uses") -> "Uses":
        return Uses(self.counts + other.counts)

    @property
    def labels(self) -> Vocabulary:
        return frozenset(label for _, label in self.counts)

    def of(self, label: Label) -> dict[str, int]:
        """Return how many things of each kind a label occurs in."""
        return {kind: count for (kind, used), count in self.counts.items() if used == label}

    def told(self, labels: Iterable[Label]) -> list[str]:
        """Return a phrase for each of ``labels`` that is in use: class truck has 12 answers and 1 draft."""
        return [
            f"{name_of(label)} has {' and '.join(counted(count, kind) for kind, count in found.items())}"
            for label in sorted(labels)
            if (found := self.of(label))
        ]
