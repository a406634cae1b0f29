"""Which of the stills that were taken are worth keeping, with what the catalogue holds of the camera in mind."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from workbench.domain import Camera, SelectionStep
from workbench.footage.diversity import Embeddings
from workbench.footage.pictures import Jpeg, decode_image
from workbench.footage.quotas import hour_of
from workbench.footage.selection import KnownStills, SelectionRules, Sieve, sieve
from workbench.models.dual_encoder import load_dual_encoder
from workbench.progress import Progress
from workbench.store import FrameFilter, Print
from workbench.workflows.frame_looks import encoder_digest, prints_of
from workbench.workflows.spreading import spread
from workbench.workflows.still_keeper import TakenStill
from workbench.workflows.workspace import Workspace

__all__ = ["Chooser"]

_REMEMBERED = 20_000
_AT_ONCE = 64


class Chooser:
    """Applies ``rules`` to stills of one camera, once or again and again as they come.

    Near-duplicates are looked for among the camera's 20,000 newest stills too. Their hashes and embeddings lie in the
    catalogue; those of stills that were never compared are computed first.
    """

    def __init__(self, workspace: Workspace, camera: Camera, rules: SelectionRules, progress: Progress) -> None:
        self.found = 0
        self._steps: dict[str, SelectionStep] = {}
        self._workspace, self._store, self._rules = workspace, workspace.store, rules
        self._site = camera.site
        self._encoder_digest = encoder_digest(workspace)
        self._embedder = _Embedder(workspace)
        self._by_hour = Counter(map(hour_of, self._store.footage.taken_at(camera.site, camera.name)))
        self._known: list[Print] = self._prints(camera, progress) if rules.compares_with_known else []
        self._chosen: list[tuple[Print, datetime]] = []

    @property
    def steps(self) -> tuple[SelectionStep, ...]:
        """What each step left and dropped so far."""
        return tuple(self._steps.values())

    def choose(self, stills: Iterable[TakenStill]) -> Iterator[TakenStill]:
        """Yield those of ``stills`` that the rules leave; until all are judged, their pictures lie in a temporary file.

        To be followed by :meth:`remember` once what was yielded is in the catalogue.
        """
        offered: dict[int, TakenStill] = {}
        self._chosen.clear()
        with sieve(self._rules, self._known_stills()) as waiting:
            for still in stills:
                is_known = bool(self._store.footage.known(self._site, [still.id]))
                number = waiting.offer(still.jpeg.content, still.taken_at, known_id=still.id if is_known else None)
                if number is not None:
                    offered[number] = replace(still, jpeg=Jpeg(b"", still.jpeg.size_wh))
            selection = waiting.settle(self._embed)
            self._count(selection.report.found, selection.report.steps)
            for row, number in enumerate(selection.kept):
                still = _with_picture(offered[number], waiting, number)
                if selection.embeddings is not None:
                    self._note(still, waiting.picture_hash(number), selection.embeddings[row])
                yield still

    def remember(self) -> None:
        """Keep the hashes and embeddings of what was chosen, for what comes later."""
        self._store.prints.put([one for one, _ in self._chosen])
        self._known += [one for one, _ in self._chosen]
        self._by_hour.update(hour_of(taken_at) for _, taken_at in self._chosen)
        self._chosen.clear()

    def _known_stills(self) -> KnownStills:
        return KnownStills(
            ids=[one.picture_id for one in self._known],
            hashes=[one.hash for one in self._known],
            embeddings=np.stack([one.embedding for one in self._known]) if self._known else None,
            by_hour=self._by_hour,
        )

    def _prints(self, camera: Camera, progress: Progress) -> list[Print]:
        """Return the prints of the camera's newest stills, oldest first; those that are missing are made."""
        newest = FrameFilter(camera=camera.name)
        frames = self._store.footage.page(camera.site, newest, limit=_REMEMBERED, newest_first=True)
        ids = [frame.id for frame in reversed(frames)]
        found = prints_of(self._workspace, ids, progress=progress)
        return [found[id_] for id_ in ids]

    def _embed(self, jpegs: Iterator[bytes]) -> Embeddings:
        rows = list(spread(self._workspace, jpegs, here=self._embedder, there=_Embedder, at_once=_AT_ONCE))
        return np.stack(rows) if rows else np.zeros((0, self._embedder.width), dtype=np.float32)

    def _note(self, still: TakenStill, text: str, embedding: Embeddings) -> None:
        self._chosen.append((Print(still.id, text, embedding, self._encoder_digest), still.taken_at))

    def _count(self, found: int, steps: Sequence[SelectionStep]) -> None:
        self.found += found
        for step in steps:
            before = self._steps.get(step.name, replace(step, kept=0, dropped=0))
            self._steps[step.name] = replace(step, kept=before.kept + step.kept, dropped=before.dropped + step.dropped)


def _with_picture(still: TakenStill, waiting: Sieve, number: int) -> TakenStill:
    return replace(still, jpeg=Jpeg(waiting.jpeg(number), still.jpeg.size_wh))


class _Embedder:
    """Embeds pictures with the dual encoder."""

    def __init__(self, workspace: Workspace) -> None:
        self._encoder = load_dual_encoder(workspace.settings.dual_encoder_dir)

        self.width = self._encoder.width

    def __call__(self, jpegs: Sequence[bytes]) -> list[Embeddings]:
        return list(self._encoder.embed_images([decode_image(jpeg) for jpeg in jpegs]))
