"""How tests watch a stream: with little patience, its states, the processes that read it, and what its stills show."""

import io
import re
from collections.abc import Iterable

import psutil
from PIL import Image, ImageStat

from workbench.footage.pictures import Jpeg
from workbench.footage.streams import StreamPatience, StreamState

QUICK = StreamPatience(silence_s=5.0, start_s=300.0, first_retry_s=0.5, longest_retry_s=4.0, first_frame_s=0.0)
RETRYING = ["connecting", "live", "waiting", "connecting", "live", "ended"]


def readers(of: psutil.Process | None = None) -> list[psutil.Process]:
    children = (of or psutil.Process()).children(recursive=True)
    return [child for child in children if "read_for_parent" in " ".join(_words(child))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # it has ended, and nobody has asked how
        return []


def kinds(states: Iterable[StreamState]) -> list[str]:
    return [state.kind.value for state in states]


def told_once(states: Iterable[StreamState]) -> list[str]:
    """The kinds of states, of which the tries that failed are left out."""
    return re.sub(r"(waiting connecting )+", "waiting connecting ", " ".join(kinds(states))).split()


def grey(jpeg: Jpeg) -> float:
    return ImageStat.Stat(Image.open(io.BytesIO(jpeg.content)).convert("L")).mean[0]
