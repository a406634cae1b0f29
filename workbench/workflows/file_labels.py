"""What label files say about a site's frames, in the site's own words."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from workbench.domain import Answer, Frame, Taxonomy
from workbench.errors import LabelFileError
from workbench.footage.pictures import LONG_SIDE_PX
from workbench.labeling.file_answers import SaidOfFrame
from workbench.labeling.formats.file_label import Entry, FileLabel, Instant, LeftOut, Problem
from workbench.labeling.formats.file_tree import opened_tree
from workbench.labeling.formats.kinds import Format
from workbench.labeling.formats.reading import LabelSource, find_labels, refusal
from workbench.labeling.translation import Translator, Wordings
from workbench.models.instructions import CAPTION_INSTRUCTION, choice_instruction, class_instruction, class_text
from workbench.progress import Progress
from workbench.workflows.shown_frames import Shown, find_frames
from workbench.workflows.workspace import Workspace

__all__ = ["FileLabels", "LabelFile", "read_file_labels", "require_readable"]

_AT_ONCE = 2_000
_MOST_PROBLEMS = 1_000
_TOLD = 10
_MARK = "\0"

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class LabelFile:
    """Labels at ``path`` and how to take them: as ``format_`` instead of what they look like, with other names.

    ``renames`` gives names of the file another one, or none to leave out what has that name. With ``known_only``
    labels of frames that the site has not are left out, else they are a mistake.
    """

    path: Path
    format_: Format | None = None
    renames: Mapping[str, str] = field(default_factory=dict)
    known_only: bool = False


@dataclass(frozen=True)
class FileLabels:
    """``answers`` by frame id, of which class or caption may be left open; ``left_out`` counts the rest by kind.

    They are in the words of ``taxonomy``, which is the site's as it was then.
    """

    taxonomy: Taxonomy
    labels: int
    formats: tuple[str, ...]
    answers: Mapping[str, Sequence[Answer]]
    left_out: Mapping[str, int]

    @property
    def n_answers(self) -> int:
        return sum(map(len, self.answers.values()))

    @property
    def complete(self) -> dict[str, list[Answer]]:
        """The answers that have class and caption."""
        return self._those(lambda answer: bool(answer.class_name and answer.caption))

    @property
    def open(self) -> dict[str, list[Answer]]:
        """The answers that a labeller has to complete."""
        return self._those(lambda answer: not (answer.class_name and answer.caption))

    def _those(self, wanted: Callable[[Answer], bool]) -> dict[str, list[Answer]]:
        found = {frame_id: list(filter(wanted, said)) for frame_id, said in self.answers.items()}
        return {frame_id: said for frame_id, said in found.items() if said}


def read_file_labels(
    workspace: Workspace, file: LabelFile, *, site: str, folders: Collection[str], progress: Progress
) -> FileLabels:
    """Return what the labels say, read in one go whatever their size.

    ``folders`` are recordings of pictures of which the file's names alone matter, not its folders.

    Raises:
        LabelFileError: There is no label, or something is wrong with some; it tells all that is.
    """
    reader = _Reader(workspace, file, site, folders)
    with opened_tree(file.path) as tree:
        sources = find_labels(tree, file.format_)
        for source in sources:
            prefix = f"{source.name}, " if len(sources) > 1 else ""
            for entries in _batches(source.entries()):
                reader.take(entries, prefix)
                progress(reader.labels, None, "labels read")
                if len(reader.problems) > _MOST_PROBLEMS:
                    break
    return reader.result(sources)


def require_readable(file: LabelFile) -> None:
    """Raise LabelFileError unless there are labels, and all of them are written as their format wants."""
    problems: list[str] = []
    with opened_tree(file.path) as tree:
        for source in find_labels(tree, file.format_):
            entries = (entry for entry in source.entries() if isinstance(entry, Problem))
            problems += [f"{source.name}, {entry}" for entry in islice(entries, _MOST_PROBLEMS)]
    if problems:
        raise refusal(file.path.name, problems)


class _Reader:
    def __init__(self, workspace: Workspace, file: LabelFile, site: str, folders: Collection[str]) -> None:
        taxonomy = workspace.store.sites.taxonomy(site)
        self.labels = 0
        self.problems: list[str] = []
        self._workspace, self._file, self._site, self._folders = workspace, file, site, folders
        self._taxonomy = taxonomy
        self._translator = Translator(taxonomy, file.renames, _wordings(taxonomy))
        self._said: defaultdict[str, SaidOfFrame] = defaultdict(SaidOfFrame)
        self._first: dict[str, FileLabel] = {}
        self._absent: dict[Shown, str] = {}
        self._elsewhere: dict[Shown, tuple[str, ...]] = {}
        self._left_out: Counter[str] = Counter()

    def take(self, entries: Sequence[Entry], prefix: str) -> None:
        labels = [entry for entry in entries if isinstance(entry, FileLabel)]
        self.labels += len(labels)
        self.problems += [f"{prefix}{entry}" for entry in entries if isinstance(entry, Problem)]
        self._left_out.update(entry.what for entry in entries if isinstance(entry, LeftOut))
        found = find_frames(self._workspace, self._site, (label.shown for label in labels), folders=self._folders)
        self._elsewhere |= found.elsewhere
        for label in labels:
            frame = found.frames.get(label.shown)
            if frame is None:
                self._absent.setdefault(label.shown, f"{prefix}{label.where}")
            else:
                placed = replace(label, where=f"{prefix}{label.where}")
                self._translator.add(placed, _known_size(frame), self._said[frame.id])
                self._require_one_answer(frame, placed)

    def _require_one_answer(self, frame: Frame, label: FileLabel) -> None:
        """Note as a problem that two whole labels name one still differently, and say different things of it."""
        if label.class_name and label.caption:
            first = self._first.setdefault(frame.id, label)
            is_same = (first.class_name, first.caption) == (label.class_name, label.caption)
            if first.shown != label.shown and not is_same:
                self.problems.append(f"{label.where}: says something else of the still that {first.where} is about")

    def result(self, sources: Sequence[LabelSource]) -> FileLabels:
        problems = [*self.problems, *self._translator.problems()]
        if problems:
            raise self._refused(problems)
        if self._absent and not self._file.known_only:
            raise self._not_there()
        if not self.labels:
            raise refusal(self._file.path.name, [f"no label{self._told_left_out()}"])
        left_out = self._left_out + self._translator.left_out
        left_out["pictures that the site does not have"] = len(self._absent)
        left_out["classes of frames that have several"] = sum(one.has_several_classes for one in self._said.values())
        answers = {frame_id: said.answers() for frame_id, said in self._said.items()}
        return FileLabels(
            taxonomy=self._taxonomy,
            labels=self.labels,
            formats=tuple(dict.fromkeys(source.format.value for source in sources)),
            answers={frame_id: given for frame_id, given in answers.items() if given},
            left_out={what: times for what, times in left_out.items() if times},
        )

    def _told_left_out(self) -> str:
        told = "; ".join(f"{times} {what}" for what, times in self._left_out.items())
        return f" but {told}" if told else ""

    def _refused(self, problems: Sequence[str]) -> LabelFileError:
        asked = ", ".join(dict.fromkeys([*self._taxonomy.class_names, *self._taxonomy.boxes]))
        error = refusal(self._file.path.name, problems)
        if not self._translator.problems():
            return error
        return LabelFileError(
            expected=f"{error.expected}, with the names {asked} of site {self._site}",
            found=error.found,
            remedy="correct them, or give --map NAME=NAME OF THE SITE, or --map NAME= to leave one out; "
            "nothing was written",
        )

    def _not_there(self) -> LabelFileError:
        absent = list(self._absent.items())
        told = ", ".join(f"{shown} ({where}{self._elsewhere_told(shown)})" for shown, where in absent[:_TOLD])
        more = f" and {len(absent) - _TOLD} more" if len(absent) > _TOLD else ""
        return LabelFileError(
            expected=f"a stored frame of site {self._site} for every label in {self._file.path.name}",
            found=f"none for {told}{more}",
            remedy=f"{self._how_to_store(absent[0][0])} first, or leave these labels out with --known-only",
        )

    def _how_to_store(self, shown: Shown) -> str:
        if isinstance(shown, Instant):
            at = self._file.path.name
            return f"run `workbench ingest VIDEO --site {self._site} --camera CAMERA --at {at}` for each video"
        return "give the pictures' folder with --images FOLDER --camera CAMERA"

    def _elsewhere_told(self, shown: Shown) -> str:
        others = self._elsewhere.get(shown, ())
        return f"; the site has {', '.join(others[:2])}" if others else ""


def _wordings(taxonomy: Taxonomy) -> Wordings:
    return Wordings(
        caption=CAPTION_INSTRUCTION,
        class_start=class_instruction([_MARK]).partition(_MARK)[0],
        class_texts={class_text(name): name for name in taxonomy.class_names},
        questions={choice_instruction(one.text, one.options): one.name for one in taxonomy.questions},
    )


def _known_size(frame: Frame) -> tuple[int, int] | None:
    """Return the size of the picture that the frame was made of, None where it may have been larger."""
    return frame.size_wh if max(frame.size_wh) < LONG_SIDE_PX else None


def _batches(items: Iterator[_Item]) -> Iterator[list[_Item]]:
    while batch := list(islice(items, _AT_ONCE)):
        yield batch
