"""How quick the catalogue stays as it grows: pages, filters, counts and thumbnails at 10,000 to 1,000,000 frames.

    python benchmarks/catalogue.py --frames 10000 100000 1000000

Each size gets a database of its own in a temporary folder: five cameras, thirty days, clips of an hour, the oldest
tenth answered and a fiftieth more asked about. The newest frames have pictures of 1280 x 720 pixels; the others need
none. A process of its own asks the questions, through the same calls that the faces make, so that its peak of resident
memory is theirs. A time is the median of five; the target is held against the slowest.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import psutil
from PIL import Image

from workbench.domain import Annotation, Camera, Clip, Frame, LabelTask, Site
from workbench.settings import Settings
from workbench.store import Cursor, FrameFilter, FrameState, Store
from workbench.workflows.workspace import Workspace

SITE = "yard"
CAMERAS = tuple(f"camera-{number}" for number in range(5))
STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=30)
CLIP = timedelta(hours=1)
PICTURES = 2_000
SIZE_WH = (1280, 720)
PAGE = 48
REPEATS = 5
BATCH = 50_000
TARGET_S, TARGET_GIB = 1.0, 1.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Figures:
    frames: int
    filled_s: float
    database_bytes: int
    times_s: dict[str, list[float]]
    peak_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--folder", type=Path, help="where the temporary databases lie (default: the system's place)")
    arguments = parser.parse_args()
    measured = []
    for frames in arguments.frames:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as home:
            filled_s = in_a_new_process(fill, Path(home), frames)
            times_s, peak_bytes = in_a_new_process(ask, Path(home), frames)
            database_bytes = (Path(home) / "data" / "workbench.db").stat().st_size
        measured.append(Figures(frames, filled_s, database_bytes, times_s, peak_bytes))
        print(f"{frames:,} frames measured", file=sys.stderr, flush=True)
    as_json = json.dumps({"machine": machine(), "measured": list(map(asdict, measured))}, indent=2)
    print(as_json if arguments.json else f"{machine()}\n\n{report(measured)}")


def in_a_new_process(work: Callable[[Path, int], Result], home: Path, frames: int) -> Result:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, home, frames).result()


def fill(home: Path, frames: int) -> float:
    """Write the catalogue and return the seconds that its rows took."""
    workspace = Workspace.open(Settings.load(home=home))
    store = workspace.store
    store.sites.add(Site(SITE, ("clear", "busy")))
    for camera in CAMERAS:
        store.sites.add_camera(Camera(SITE, camera))
    picture_ids = [workspace.frame_files.write(picture(number)) for number in range(min(PICTURES, frames))]
    began_s = time.perf_counter()
    for camera in CAMERAS:
        for hour in range(SPAN // CLIP):
            store.footage.add_clip(clip(camera, hour))
    for start in range(0, frames, BATCH):
        numbers = range(start, min(start + BATCH, frames))
        store.footage.add_frames([frame(number, frames, picture_ids) for number in numbers])
    oldest = list(store.footage.frame_ids(SITE, FrameFilter(until=STARTED_AT + SPAN * 0.12)))
    store.labels.add_tasks(SITE, [LabelTask(of, number, 1, "pushed") for number, of in enumerate(oldest)])
    store.labels.replace_annotations(SITE, [said(number, of) for number, of in enumerate(oldest[: frames // 10])])
    filled_s = time.perf_counter() - began_s
    store.close()
    return filled_s


def picture(number: int) -> bytes:
    """Return a JPEG of about the size that a camera's still has."""
    coarse = Image.frombytes("RGB", (160, 90), random.Random(number).randbytes(160 * 90 * 3))
    buffer = io.BytesIO()
    coarse.resize(SIZE_WH, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def clip(camera: str, hour: int) -> Clip:
    name = f"{camera}-{hour:03d}.mp4"
    clip_id = hashlib.sha256(name.encode()).hexdigest()
    return Clip(clip_id, SITE, camera, name, STARTED_AT + hour * CLIP, CLIP.total_seconds(), SIZE_WH)


def frame(number: int, frames: int, picture_ids: Sequence[str]) -> Frame:
    """Return one of ``frames`` that are spread evenly over time, the cameras in turn; the newest have pictures."""
    taken_at = STARTED_AT + SPAN * (number / frames)
    of = clip(CAMERAS[number % len(CAMERAS)], (taken_at - STARTED_AT) // CLIP)
    from_newest = frames - 1 - number
    pictured = from_newest < len(picture_ids)
    frame_id = picture_ids[from_newest] if pictured else hashlib.sha256(f"frame {number}".encode()).hexdigest()
    offset_s = (taken_at - of.started_at).total_seconds()
    return Frame(frame_id, SITE, of.camera, of.id, of.name, offset_s, taken_at, SIZE_WH)


def said(number: int, frame_id: str) -> Annotation:
    return Annotation(frame_id, "clear", "Nothing moves.", "lena", STARTED_AT, number)


def ask(home: Path, frames: int) -> tuple[dict[str, list[float]], int]:
    """Return each question's times in seconds, and the process's peak of resident memory in bytes."""
    workspace = Workspace.open(Settings.load(home=home))
    times_s = {
        name: [time_of(question) for _ in range(REPEATS)] for name, question in questions(workspace.store, frames)
    }
    newest = [one.id for one in workspace.store.footage.page(SITE, limit=PAGE * REPEATS, newest_first=True)]
    pages = [newest[start : start + PAGE] for start in range(0, len(newest), PAGE)]

    def thumbnails(frame_ids: Sequence[str]) -> None:
        for frame_id in frame_ids:
            workspace.frame_files.thumbnail(frame_id)

    for how in ("made for the first time", "kept"):
        times_s[f"{PAGE} thumbnails, {how}"] = [time_of(partial(thumbnails, page)) for page in pages]
    workspace.store.close()
    return times_s, peak_of_this_process()


def questions(store: Store, frames: int) -> Iterator[tuple[str, Callable[[], object]]]:
    footage, middle = store.footage, STARTED_AT + SPAN / 2
    (in_the_middle,) = footage.page(SITE, FrameFilter(since=middle), limit=1)
    day = FrameFilter(CAMERAS[2], STARTED_AT + timedelta(days=2), STARTED_AT + timedelta(days=3), FrameState.LABELLED)
    labelled, unlabelled = FrameFilter(state=FrameState.LABELLED), FrameFilter(state=FrameState.UNLABELLED)
    some_ids = [frame(number, frames, ()).id for number in range(0, frames // 2, frames // 2_000)]
    of = clip(CAMERAS[0], 100)
    yield "first page, newest first", lambda: footage.page(SITE, limit=PAGE, newest_first=True)
    yield (
        "page in the middle",
        lambda: footage.page(SITE, limit=PAGE, after=Cursor.of(in_the_middle), newest_first=True),
    )
    yield "page of a camera, a day and a state", lambda: footage.page(SITE, day, limit=PAGE, newest_first=True)
    yield "page of the answered, newest first", lambda: footage.page(SITE, labelled, limit=PAGE, newest_first=True)
    yield "page of the unlabelled, oldest first", lambda: footage.page(SITE, unlabelled, limit=PAGE)
    yield "page of a clip", lambda: footage.page(SITE, FrameFilter(CAMERAS[0], clip_id=of.id), limit=PAGE)
    yield "count of all", lambda: footage.count(SITE)
    yield "count of a camera, a day and a state", lambda: footage.count(SITE, day)
    yield "count of the unlabelled", lambda: footage.count(SITE, unlabelled)
    yield "counts by camera", lambda: footage.counts_by_camera(SITE)
    yield "counts by state", lambda: footage.counts_by_state(SITE)
    yield "8 newest of each camera", lambda: footage.newest_per_camera(SITE, 8)
    yield "500 frames to ask about next", lambda: footage.unasked(SITE, limit=500)
    yield "which of 1,000 ids are known", lambda: footage.known(SITE, some_ids)
    yield "frame at an instant", lambda: footage.frame_at(SITE, of.name, 1800.0)


def time_of(question: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    question()
    return time.perf_counter() - began_s


def peak_of_this_process() -> int:
    """Return the peak of resident memory since this program was loaded; a child's ``ru_maxrss`` holds its parent's."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024


def machine() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("SQLAlchemy", "pillow"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores {processor()}, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, load {os.getloadavg()[0]:.1f}, nice {os.nice(0)}; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {libraries}"
    )


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def report(measured: Sequence[Figures]) -> str:
    """Return a Markdown table: a question a row, a size a column, and the last column's time over the first's."""
    first, last = measured[0], measured[-1]
    rows = [["median of five, ms", *(f"{one.frames:,}" for one in measured), "growth"]]
    rows.append(["---", *("---:" for _ in measured), "---:"])
    for name in first.times_s:
        medians_s = [statistics.median(one.times_s[name]) for one in measured]
        times = (f"{median_s * 1000:.1f}" for median_s in medians_s)
        rows.append([name, *times, f"x {medians_s[-1] / medians_s[0]:.1f}"])
    rows.append(["slowest answer to any of them", *(f"{slowest_s(one) * 1000:.1f}" for one in measured), ""])
    rows.append(["peak memory, MiB", *(f"{one.peak_bytes / 2**20:.0f}" for one in measured), ""])
    rows.append(["database, MiB", *(f"{one.database_bytes / 2**20:.0f}" for one in measured), ""])
    rows.append(["frames written per second", *(f"{one.frames / one.filled_s:,.0f}" for one in measured), ""])
    kept = slowest_s(last) < TARGET_S and last.peak_bytes < TARGET_GIB * 2**30
    verdict = f"Each under {TARGET_S:g} s and {TARGET_GIB:g} GiB at {last.frames:,} frames: {'yes' if kept else 'no'}."
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", verdict])


def slowest_s(measured: Figures) -> float:
    return max(max(times_s) for times_s in measured.times_s.values())


if __name__ == "__main__":
    main()
