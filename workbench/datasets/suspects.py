"""Frames whose class may be wrong, because pictures like theirs were given another one.

A simple model learns classes from embeddings and is asked about frames of clips that it did not learn from. Of a fixed
camera it matters most what differs from its usual view, so that each embedding stands beside its difference from the
mean of its clip.
"""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.datasets.threads import one_thread

__all__ = ["Suspect", "Suspects", "find_suspects"]

_UNLIKELY, _LIKELY = 0.1, 0.5
_FOLDS = 4
_STEPS = 30
_REGULARISATION = 0.1
_MOST_LEARNT_FROM = 2_000

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Suspect:
    """The place of a frame, with the given and the likelier class and the probability of each."""

    place: int
    given: str
    given_probability: float
    likelier: str
    likelier_probability: float


@dataclass(frozen=True)
class Suspects:
    """The model gave ``agreed`` of the ``judged`` frames the class that people gave; ``found``: clearest first."""

    judged: int
    agreed: int
    found: tuple[Suspect, ...]

    def at(self, places: NDArray[np.intp]) -> "Suspects":
        """Return the same, where the judged frames were those at ``places`` of more."""
        return replace(self, found=tuple(replace(one, place=int(places[one.place])) for one in self.found))


def find_suspects(embeddings: Floats, class_names: Sequence[str], groups: Integers) -> Suspects:
    """Return the frames whose class is unlikely and another one likely.

    Frames of one of ``groups`` (``[frames]``) stand and fall together: a frame is judged by a model that learnt from
    other groups, if they hold its class. Of thousands of frames such a model learns from a part, of all classes alike.
    Nothing is judged where there is a single group.
    """
    names, coded = np.unique(np.array(class_names, dtype=np.str_), return_inverse=True)
    given, every = coded.astype(np.int64), np.arange(len(coded))
    features = np.hstack([embeddings, embeddings - _group_means(embeddings, groups)])
    probabilities, is_judged = np.zeros((len(given), max(1, len(names)))), np.zeros(len(given), np.bool_)
    for learnt, asked in _folds(given, groups):
        taught = np.unique(given[learnt])
        probabilities[np.ix_(asked, taught)] = _probabilities(features, given, learnt, asked)
        is_judged[asked] = np.isin(given[asked], taught)
    likeliest, own = probabilities.argmax(axis=1), probabilities[every, given]
    of_likeliest = probabilities[every, likeliest]
    suspect = np.flatnonzero(is_judged & (own <= _UNLIKELY) & (of_likeliest >= _LIKELY))
    return Suspects(
        judged=int(is_judged.sum()),
        agreed=int((is_judged & (likeliest == given)).sum()),
        found=tuple(
            Suspect(
                place=int(place),
                given=str(names[given[place]]),
                given_probability=round(float(own[place]), 4),
                likelier=str(names[likeliest[place]]),
                likelier_probability=round(float(of_likeliest[place]), 4),
            )
            for place in suspect[np.argsort((own - of_likeliest)[suspect], kind="stable")]
        ),
    )


def _group_means(embeddings: Floats, groups: Integers) -> Floats:
    """Return ``[frames, width]``: the mean embedding of each frame's group."""
    if not len(groups):
        return embeddings
    order = np.argsort(groups, kind="stable")
    _, starts, numbered, sizes = np.unique(groups[order], return_index=True, return_inverse=True, return_counts=True)
    sums = np.add.reduceat(embeddings[order], starts, axis=0)
    means = np.empty_like(embeddings)
    means[order] = (sums / sizes[:, None])[numbered]
    return means


def _folds(given: Integers, groups: Integers) -> Iterator[tuple[Integers, Integers]]:
    """Yield the places that are learnt from, which hold two classes at least, and those that are asked about."""
    from sklearn.model_selection import GroupKFold

    folds = min(_FOLDS, len(np.unique(groups)))
    if folds < 2:
        return
    for learnt, asked in GroupKFold(folds).split(given, groups=groups):
        if len(np.unique(given[learnt])) > 1:
            yield _spread(learnt, given), asked


def _spread(places: Integers, given: Integers) -> Integers:
    """Return at most some thousand of ``places``, of each class as many as of the others where there are enough."""
    classes = [places[given[places] == code] for code in np.unique(given[places])]
    most = _MOST_LEARNT_FROM // len(classes)
    return np.concatenate(
        [found[np.linspace(0, len(found) - 1, min(len(found), most)).round().astype(np.int64)] for found in classes]
    )


def _probabilities(features: Floats, given: Integers, learnt: Integers, asked: Integers) -> NDArray[np.float64]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=_REGULARISATION, max_iter=_STEPS))
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # few steps tell a wrong class from a right one
        model.fit(features[learnt], given[learnt])
    found: NDArray[np.float64] = model.predict_proba(features[asked])
    return found
