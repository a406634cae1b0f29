"""How soon Label Studio is answered when somebody opens a task, and how long it takes to measure reactions.

    python benchmarks/suggestions.py --frames 50000

The web server's routes for suggestions, behind its guard, run in a process of their own over a site of so many frames,
each with a suggestion and an answer that began with it. Label Studio asks three questions on opening a task and gives
the first one second; what is asked here is asked one after the other, as by one labeller.
"""

import argparse
import hashlib
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx

from workbench.domain import Annotation, Basis, Camera, Frame, Prediction, Site
from workbench.settings import Settings
from workbench.store import CurrentModel, ReadAnswer, Suggester
from workbench.workflows.ml_backend import ML_USER, password_of
from workbench.workflows.prelabel import source_of
from workbench.workflows.prelabel_quality import measure_quality
from workbench.workflows.workspace import Workspace

SITE, VERSION, PORT = "yard", "base@1", 17861
STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)
CLIPS, REPEATS, TARGET_S = 500, 50, 1.0
CAPTIONS = ("A man walks by the gate while a truck waits.", "A man runs by the gate while a truck waits.")
SERVE = """
import sys, uvicorn
from fastapi import FastAPI
from workbench.ui.cookies import Sessions
from workbench.ui.guard import Guard
from workbench.ui.ml_backend import ml_backend_routes
from workbench.workflows.workspace import Workspace
workspace = Workspace.open()
app = FastAPI()
app.include_router(ml_backend_routes(workspace))
app.add_middleware(Guard, sessions=Sessions(workspace.settings))
uvicorn.run(app, port=int(sys.argv[1]), log_level="error")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=50_000)
    frames = parser.parse_args().frames
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}; {frames:,} frames\n")
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"WORKBENCH_HOME": home, "WORKBENCH_SESSION_KEY": "k" * 64}
        workspace = Workspace.open(Settings.load(home=Path(home)))
        fill(workspace, frames)
        print("| | median, ms | slowest of 50, ms |\n| --- | ---: | ---: |")
        with served(workspace) as ask:
            for name, question in questions(ask, frames).items():
                times_s = [seconds(question) for _ in range(REPEATS)]
                verdict = "" if max(times_s) < TARGET_S else " MISSED"
                print(f"| {name} | {1000 * statistics.median(times_s):.1f} | {1000 * max(times_s):.1f}{verdict} |")
        for in_detail, name in ((False, "by version"), (True, "by version, class and camera")):
            took_s = seconds(partial(measure_quality, workspace.store, SITE, in_detail=in_detail))
            print(f"\nReactions measured {name}: {took_s:.1f} s")
        workspace.store.close()


def questions(ask: Callable[[str, dict[str, object] | None], object], frames: int) -> dict[str, Callable[[], object]]:
    known, unknown = task(frames - 1), task(frames)
    return {
        "health": lambda: ask("health", None),
        "setup": lambda: ask("setup", {"schema": "<View/>"}),
        "predict, known": lambda: ask("predict", {"tasks": [known]}),
        "predict, not known and nobody at work": lambda: ask("predict", {"tasks": [unknown]}),
    }


@contextmanager
def served(workspace: Workspace) -> Iterator[Callable[[str, dict[str, object] | None], object]]:
    server = subprocess.Popen([sys.executable, "-c", SERVE, str(PORT)])
    auth = (ML_USER, password_of(workspace.settings, SITE))
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}/ml/{SITE}", auth=auth) as client:

        def ask(verb: str, body: dict[str, object] | None) -> object:
            answer = client.get(f"/{verb}") if body is None else client.post(f"/{verb}", json=body)
            return answer.raise_for_status().json()

        while not is_up(client):
            time.sleep(0.1)
        try:
            yield ask
        finally:
            server.terminate()
            server.wait()


def is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False


def fill(workspace: Workspace, frames: int) -> None:
    store = workspace.store
    store.sites.add(Site(SITE, ("clear", "person", "truck")))
    store.sites.add_camera(Camera(SITE, "north"))
    store.footage.add_frames([frame(number, frames) for number in range(frames + 1)])
    ids = [id_of(number) for number in range(frames)]
    store.labels.add_predictions(SITE, [Prediction(one, "person", CAPTIONS[0], VERSION, 0.9) for one in ids])
    store.labels.change_annotations(SITE, [answer(number) for number in range(frames)], ())
    store.reactions.put(
        SITE, [ReadAnswer(number, one, VERSION, Basis.PARENT, False, STARTED_AT) for number, one in enumerate(ids)]
    )
    store.suggestions.set_model(SITE, CurrentModel(source_of(workspace, SITE), VERSION))
    at_work = Suggester(pid=2**22 + 1, born_at=datetime.now(UTC) + timedelta(hours=1), is_ready=False)
    store.suggestions.set_suggester(SITE, at_work)


def frame(number: int, frames: int) -> Frame:
    clip = f"clip-{number * CLIPS // (frames + 1)}"
    return Frame(
        id_of(number), SITE, "north", clip, clip, float(number), STARTED_AT + timedelta(seconds=number), (64, 48)
    )


def answer(number: int) -> Annotation:
    class_name, caption = "clear" if number % 7 == 0 else "person", CAPTIONS[number % 3 == 0]
    return Annotation(id_of(number), class_name, caption, "lin@site", STARTED_AT, number)


def task(number: int) -> dict[str, object]:
    return {"id": number, "data": {"frame_id": id_of(number)}}


def id_of(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def seconds(call: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    call()
    return time.perf_counter() - began_s


if __name__ == "__main__":
    main()
