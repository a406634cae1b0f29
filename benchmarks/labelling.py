"""How fast labels travel between the workbench and a real Label Studio on the same machine.

    python benchmarks/labelling.py --tasks 10000 --annotations 50000 --labels 5000

Starts a Label Studio of its own (on SQLite, as ``workbench up`` does) in a temporary folder and measures, through the
workflows that the commands and the page call: tasks pushed with pre-labels, and nothing pushed; annotations fetched for
the first time, nothing fetched, and 100 changes fetched; labels imported from a CSV file; image links renewed; and how
long a hook waits for its answer while another process writes to the database.

Pre-labels come from a stand-in that answers at once: a model's own time is not what is asked here. The annotations to
be fetched, one a task, are made by importing tasks that are answered already, which is not measured.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path

import httpx
import psutil
import uvicorn
from fastapi import FastAPI
from PIL import Image

from workbench import processes
from workbench.domain import Answer, Camera, Clip, Frame, Prediction, Site
from workbench.labeling.results import answer_to_result
from workbench.labeling.server import VERSION
from workbench.labeling.studio import NewTask, Studio
from workbench.progress import silent
from workbench.settings import Settings
from workbench.ui.hooks import hook_routes
from workbench.workflows import label, services
from workbench.workflows.hooks import HOOK_HEADER, HOOK_PATH, hook_token
from workbench.workflows.import_labels import import_labels
from workbench.workflows.prelabel import PreLabeller
from workbench.workflows.pull_labels import pull
from workbench.workflows.task_board import TaskBoard, open_studio
from workbench.workflows.workspace import Workspace

CLASSES = ("clear", "busy")
SETTLED_S = 200
"""A pull looks back three minutes from the one before; after so long, and one more, what came first is out of sight."""
STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
SIZE_WH = (64, 48)
ACTOR = "benchmark"
CHUNK = 1_000
CHANGES, RENEWED, HOOKS = 100, 200, 300
HOOK_TARGET_MS = 100.0


@dataclass(frozen=True)
class Figure:
    """``cpu_s`` is what Label Studio and this program computed: about what it takes where nothing else runs.

    ``target_s`` is for the default count, None where there is none.
    """

    what: str
    count: int
    seconds: float
    cpu_s: float
    target_s: float | None
    load: float


@dataclass(frozen=True)
class HookTimes:
    count: int
    median_ms: float
    slowest_ms: float


class StandIn(PreLabeller):
    """A model that says the same of every frame, at once."""

    model_version = "stand-in@1"

    def guess(self, frame_ids: Sequence[str]) -> list[Prediction]:
        return [Prediction(one, "clear", "Nothing moves.", self.model_version, 0.5) for one in frame_ids]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--annotations", type=int, default=50_000)
    parser.add_argument("--labels", type=int, default=5_000)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--folder", type=Path, help="where the temporary workspace lies (default: the system's place)")
    arguments = parser.parse_args()
    label.PreLabeller = StandIn  # type: ignore[misc]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as home, label_studio(Path(home)) as workspace:
        figures = [
            *pushed(workspace, arguments.tasks),
            *fetched(workspace, arguments.annotations),
            *imported(workspace, arguments.labels, Path(home)),
        ]
        hooks = hook_times(workspace)
    result = {"machine": machine(), "figures": [asdict(figure) for figure in figures], "hooks": asdict(hooks)}
    print(json.dumps(result, indent=2) if arguments.json else f"{machine()}\n\n{report(figures, hooks)}")


@contextmanager
def label_studio(home: Path) -> Iterator[Workspace]:
    """Yield a workspace with a Label Studio of its own."""
    settings = Settings.load(home=home, labelstudio_url=f"http://127.0.0.1:{free_port()}", fetch_every_s=0.0)
    workspace = Workspace.open(settings)
    with services.started(workspace, only={"label-studio"}) as starting:
        starting.wait()
        yield starting.workspace
    workspace.store.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pushed(workspace: Workspace, count: int) -> Iterator[Figure]:
    site = site_of(workspace, "pushed", count, pictured=True)
    yield timed(
        workspace, "tasks pushed with pre-labels", count, 30.0, lambda: label.push(workspace, site, actor=ACTOR).created
    )
    yield timed(
        workspace, "pushed again, with nothing to do", 0, None, lambda: label.push(workspace, site, actor=ACTOR).created
    )
    board = TaskBoard.read(workspace, site, silent)
    some = {task.task_id: (task.frame_id, task.image_url) for task in islice(board.tasks.values(), RENEWED)}
    yield timed(workspace, "image links renewed", len(some), None, lambda: board.studio.renew_image_urls(some))


def fetched(workspace: Workspace, count: int) -> Iterator[Figure]:
    site = site_of(workspace, "fetched", count)
    label.push(workspace, site, actor=ACTOR, limit=0, prelabel=False)
    project_id = workspace.store.labels.project(site)
    assert project_id is not None
    studio = open_studio(workspace)
    frame_ids = list(workspace.store.footage.frame_ids(site))
    told(f"making {count:,} annotations")
    for start in range(0, count, CHUNK):
        studio.add_tasks(project_id, [answered(one) for one in frame_ids[start : start + CHUNK]])

    def fetch(everything: bool = False) -> int:
        done = pull(workspace, site, actor=ACTOR, everything=everything)
        return done.added + done.changed + done.removed

    yield timed(workspace, "annotations fetched for the first time", count, 120.0, fetch)
    yield timed(workspace, "fetched again at once", 0, None, fetch)
    told(f"waiting {SETTLED_S} s")
    time.sleep(SETTLED_S)
    fetch()
    yield timed(workspace, "fetched again later, with nothing new", 0, None, fetch)
    changed = changes(workspace, site, studio)
    yield timed(workspace, "changes fetched: answers added, edited, deleted", changed, None, fetch)
    yield timed(workspace, "everything fetched anew", 0, None, lambda: fetch(everything=True))


def changes(workspace: Workspace, site: str, studio: Studio) -> int:
    """Add, edit and delete annotations, a third each, and return how many."""
    said = workspace.store.labels.annotations(site)[:CHANGES]
    numbers, frame_ids = [one.annotation_id for one in said], [one.frame_id for one in said]
    tasks = {task.frame_id: task.task_id for task in studio.answered(workspace.store.labels.project(site) or 0)}
    third = len(said) // 3
    told(f"making {3 * third} changes")
    studio.create_annotations({tasks[one]: Answer("busy", "A second look.") for one in frame_ids[:third]})
    for number in numbers[third : 2 * third]:
        studio._client.annotations.update(number, result=answer_to_result(Answer("busy", "On second thoughts.")))
    for number in numbers[2 * third : 3 * third]:
        studio._client.annotations.delete(number)
    return 3 * third


def imported(workspace: Workspace, count: int, folder: Path) -> Iterator[Figure]:
    site = site_of(workspace, "imported", count)
    path = folder / "labels.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["video", "time_s", "class", "caption"])
        classes = cycle(CLASSES)
        rows.writerows([f"{site}.mp4", second, next(classes), f"Scene {second}."] for second in range(count))

    def bring() -> int:
        return import_labels(workspace, path, site=site, actor=ACTOR).annotations_created

    yield timed(workspace, "labels imported", count, 30.0, bring)
    yield timed(workspace, "imported again, with nothing new", 0, None, bring)


def timed(
    workspace: Workspace, what: str, count: int, target_s: float | None, work: Callable[[], int | None]
) -> Figure:
    """Return how long ``work`` took; where it says how much it did, that has to be ``count``."""
    told(what)
    load, began_s, cpu_before_s = os.getloadavg()[0], time.perf_counter(), cpu_s(workspace)
    done = work()
    seconds, computed_s = time.perf_counter() - began_s, cpu_s(workspace) - cpu_before_s
    assert done is None or done == count, f"{what}: {done} instead of {count}"
    return Figure(what, count, seconds, computed_s, target_s, load)


def cpu_s(workspace: Workspace) -> float:
    """Return the seconds that this process and Label Studio's have computed so far."""
    server = processes.find_running("label-studio", workspace.settings.run_dir)
    assert server is not None
    times = psutil.Process(server.pid).cpu_times()
    return time.process_time() + times.user + times.system


def site_of(workspace: Workspace, name: str, count: int, *, pictured: bool = False) -> str:
    """Make a site whose one clip has ``count`` frames, one a second, with pictures where they are needed."""
    told(f"making {count:,} frames")
    store = workspace.store
    store.sites.add(Site(name, CLASSES))
    store.sites.add_camera(Camera(name, "north"))
    clip = Clip(hashlib.sha256(name.encode()).hexdigest(), name, "north", f"{name}.mp4", STARTED_AT, count, SIZE_WH)
    store.footage.add_clip(clip)
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        store.footage.add_frames([frame(workspace, clip, number, pictured=pictured) for number in numbers])
    return name


def frame(workspace: Workspace, clip: Clip, number: int, *, pictured: bool) -> Frame:
    frame_id = hashlib.sha256(f"{clip.name} {number}".encode()).hexdigest()
    return Frame(
        id=workspace.frame_files.write(picture(number)) if pictured else frame_id,
        site=clip.site,
        camera=clip.camera,
        clip_id=clip.id,
        clip_name=clip.name,
        offset_s=float(number),
        taken_at=STARTED_AT + timedelta(seconds=number),
        size_wh=SIZE_WH,
    )


def picture(number: int) -> bytes:
    """Return a small JPEG that no other number has."""
    buffer = io.BytesIO()
    Image.new("RGB", SIZE_WH, (number % 251, number // 251 % 251, 90)).save(
        buffer, "JPEG", comment=str(number).encode()
    )
    return buffer.getvalue()


def answered(frame_id: str) -> NewTask:
    return NewTask(frame_id, f"http://127.0.0.1:7860/media/{frame_id}.jpg", "made", None, (Answer("clear", "Empty."),))


def hook_times(workspace: Workspace) -> HookTimes:
    """Post hooks one after the other to a server of its own while another process writes all the time."""
    told("hooks")
    app, port = FastAPI(), free_port()
    app.include_router(hook_routes(workspace))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    project_id = workspace.store.labels.project("pushed")
    assert project_id is not None
    headers = {HOOK_HEADER: hook_token(workspace.settings, project_id)}
    writer = subprocess.Popen([sys.executable, "-c", WRITE, str(workspace.settings.home)])
    times_ms = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(HOOKS):
            began_s = time.perf_counter()
            answer = client.post(HOOK_PATH, headers=headers, json={"action": "ANNOTATION_CREATED"})
            times_ms.append(1000 * (time.perf_counter() - began_s))
            assert answer.status_code == 202
            time.sleep(0.02)
    writer.terminate()
    writer.wait()
    server.should_exit = True
    thread.join()
    return HookTimes(HOOKS, statistics.median(times_ms), max(times_ms))


WRITE = """
import sys
from workbench.settings import Settings
from workbench.workflows.workspace import Workspace
workspace = Workspace.open(Settings.load(home=sys.argv[1]))
while True:
    said = workspace.store.labels.annotations("fetched")
    workspace.store.labels.change_annotations("fetched", said, [])
"""


def told(what: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", file=sys.stderr, flush=True)


def machine() -> str:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("label-studio-sdk", "SQLAlchemy", "httpx"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores {processor()}, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, nice {os.nice(0)}; Python {platform.python_version()}, "
        f"Label Studio {VERSION}, {libraries}"
    )


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def report(figures: Sequence[Figure], hooks: HookTimes) -> str:
    """Return a Markdown table: what was done, how long it took, its target, and the machine's load before."""
    rows = [["", "count", "seconds", "target, s", "computing, s", "a second", "load"], ["---", *["---:"] * 6]]
    rows += [
        [
            figure.what,
            f"{figure.count:,}" if figure.count else "",
            f"{figure.seconds:.1f}",
            f"{figure.target_s:g}" if figure.target_s else "",
            f"{figure.cpu_s:.1f}",
            f"{figure.count / figure.seconds:,.0f}" if figure.count else "",
            f"{figure.load:.1f}",
        ]
        for figure in figures
    ]
    kept = all(figure.seconds <= figure.target_s for figure in figures if figure.target_s)
    answers = (
        f"A hook is answered in {hooks.median_ms:.1f} ms (median of {hooks.count}), the slowest in "
        f"{hooks.slowest_ms:.1f} ms (target {HOOK_TARGET_MS:g})."
    )
    verdict = f"All targets kept: {'yes' if kept and hooks.slowest_ms <= HOOK_TARGET_MS else 'no'}."
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", answers, verdict])


if __name__ == "__main__":
    main()
