"""How long a dataset version of 50,000 frames takes to build out of catalogues of 10,000 to 1,000,000 frames.

    python benchmarks/dataset_versions.py --frames 10000 100000 1000000

Each size gets a catalogue as in ``catalogue.py``: five cameras, thirty days, clips of an hour. Of its frames 50,000 at
most, and half of them at most, were answered, drawn at random. Their pictures were compared when they were taken, as an
ingest with ``--distinct`` does: half of them show their camera's usual view and nothing more. A process of its own
builds the version as ``workbench dataset build`` does, everything included: answers, split, leak check by hash and by
embedding, label noise and the other checks, card, manifest and files on disk, flushed. Loading Python's libraries is
told apart. What is not included: looking at pictures that were never compared, which is told per picture.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from catalogue import (
    BATCH,
    CAMERAS,
    CLIP,
    SITE,
    SPAN,
    STARTED_AT,
    clip,
    frame,
    in_a_new_process,
    machine,
    peak_of_this_process,
    picture,
)

from workbench.domain import Annotation, Camera, Site
from workbench.settings import Settings
from workbench.store import Print
from workbench.workflows.workspace import Workspace

LABELLED = 50_000
CLASSES = ("clear", "truck", "person", "forklift", "spill")
USUAL = 0.5
WIDTH = 128
TARGET_S, TARGET_GIB = 10.0, 1.0
PICTURES = 64
_STAGES = (
    "- answers and frames read",
    "- split, looks read",
    "- pictures compared",
    "- label noise",
    "- files written",
)


@dataclass(frozen=True)
class Figures:
    frames: int
    labelled: int
    rows: int
    times_s: dict[str, float]
    build_peak_bytes: int
    folder_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--folder", type=Path, help="where the temporary databases lie (default: the system's place)")
    arguments = parser.parse_args()
    measured = []
    for frames in arguments.frames:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as home:
            labelled = in_a_new_process(fill, Path(home), frames)
            rows, times_s, peak_bytes, folder_bytes = in_a_new_process(build, Path(home), frames)
            times_s |= in_a_new_process(use, Path(home), frames)
        measured.append(Figures(frames, labelled, rows, times_s, peak_bytes, folder_bytes))
        print(f"{frames:,} frames measured, load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)
    as_json = json.dumps({"machine": machine(), "measured": list(map(asdict, measured))}, indent=2)
    print(as_json if arguments.json else f"{machine()}\n\n{report(measured)}")


def fill(home: Path, frames: int) -> int:
    """Write the catalogue, the answers and what is remembered of the pictures; return how many were answered."""
    from workbench.workflows.frame_looks import encoder_digest

    workspace = Workspace.open(Settings.load(home=home))
    store = workspace.store
    store.sites.add(Site(SITE, CLASSES))
    for camera in CAMERAS:
        store.sites.add_camera(Camera(SITE, camera))
        for hour in range(SPAN // CLIP):
            store.footage.add_clip(clip(camera, hour))
    for start in range(0, frames, BATCH):
        numbers = range(start, min(start + BATCH, frames))
        store.footage.add_frames([frame(number, frames, ()) for number in numbers])
    draw = random.Random(0)
    numbers = sorted(draw.sample(range(frames), min(LABELLED, frames // 2)))
    answered = [frame(number, frames, ()) for number in numbers]
    usual = [draw.random() < USUAL for _ in answered]
    store.labels.replace_annotations(
        SITE,
        [
            said(number, one.id, "clear" if is_usual else draw.choice(CLASSES))
            for number, (one, is_usual) in enumerate(zip(answered, usual, strict=True))
        ],
    )
    encoder = encoder_digest(workspace)
    for start in range(0, len(answered), BATCH):
        some = slice(start, start + BATCH)
        cameras = [CAMERAS.index(one.camera) for one in answered[some]]
        looks = zip(answered[some], hashes(cameras, usual[some]), embeddings(cameras, usual[some]), strict=True)
        store.prints.put([Print(one.id, hash_, embedding, encoder) for one, hash_, embedding in looks])
    store.close()
    return len(answered)


def said(number: int, frame_id: str, class_name: str) -> Annotation:
    caption = f"A {class_name} at the gate, seen for the {number}th time."
    return Annotation(frame_id, class_name, caption, f"labeller-{number % 3}", STARTED_AT, number)


def hashes(cameras: Sequence[int], usual: Sequence[bool]) -> list[str]:
    """Return hashes of which a camera's differ in some bits where it shows the usual, and else in a fifth of them."""
    drawn = np.random.default_rng(1)
    views = np.random.default_rng(0).integers(0, 2, (len(CAMERAS), 256), dtype=np.uint8)[list(cameras)]
    flipped = drawn.random(views.shape) < np.where(usual, 0.01, 0.2)[:, None]
    return [row.tobytes().hex() for row in np.packbits(views ^ flipped, axis=1)]


def embeddings(cameras: Sequence[int], usual: Sequence[bool]) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    drawn = np.random.default_rng(2)
    views = np.random.default_rng(0).normal(size=(len(CAMERAS), WIDTH))[list(cameras)]
    vectors = views + drawn.normal(size=views.shape) * np.where(usual, 0.02, 0.4)[:, None]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit.astype(np.float32)


def build(home: Path, frames: int) -> tuple[int, dict[str, float], int, int]:
    """Build the version; return its rows, the seconds of it, the peak of resident memory and the bytes on disk."""
    began_s = time.perf_counter()
    from workbench.workflows.build import build_dataset

    loaded_s = time.perf_counter() - began_s
    workspace = Workspace.open(Settings.load(home=home))
    stages: dict[str, float] = {}

    def note(done: int, total: int | None, what: str) -> None:
        stages.setdefault(what.partition(" ")[0], time.perf_counter() - began_s - loaded_s)

    began_s, processor_s = time.perf_counter() - loaded_s, time.process_time()
    version = build_dataset(workspace, SITE, actor="benchmark", progress=note)
    built_s, processor_s = time.perf_counter() - began_s - loaded_s, time.process_time() - processor_s
    peak = peak_of_this_process()
    folder_bytes = sum(path.stat().st_size for path in Path(version.path).rglob("*") if path.is_file())
    begins = [0.0, *stages.values(), built_s]
    parts = dict(zip(_STAGES, np.diff(begins).tolist(), strict=True))
    workspace.store.close()
    whole = {"libraries loaded": loaded_s, "built": built_s, "of the processor's time": processor_s}
    return sum(version.rows.values()), whole | parts, peak, folder_bytes


def use(home: Path, frames: int) -> dict[str, float]:
    """Return the seconds of what is done with a version."""
    from workbench.datasets import load_manifest
    from workbench.datasets.difference import difference
    from workbench.workflows.build import build_dataset
    from workbench.workflows.dataset_checks import check_dataset

    workspace = Workspace.open(Settings.load(home=home))
    version = workspace.store.datasets.latest(SITE)
    manifest = load_manifest(version)
    times_s = {
        "built again, nothing changed": seconds(lambda: build_dataset(workspace, SITE, actor="benchmark")),
        "manifest read and verified": seconds(lambda: load_manifest(version)),
        "compared with another version": seconds(lambda: difference(manifest, manifest)),
        "checked again, pictures looked up": seconds(lambda: check_dataset(workspace, version, reads_pictures=False)),
        "looking at a picture for the first time": per_picture(workspace),
    }
    workspace.store.close()
    return times_s


def per_picture(workspace: Workspace) -> float:
    """Return the seconds that one picture of 1280 x 720 takes of many, the model loaded."""
    from workbench.workflows.frame_looks import looks_of

    ids = [workspace.frame_files.write(picture(number)) for number in range(2 * PICTURES)]
    looks_of(workspace, ids[:PICTURES])
    return seconds(lambda: looks_of(workspace, ids[PICTURES:])) / PICTURES


def seconds(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def report(measured: Sequence[Figures]) -> str:
    """Return a Markdown table: a figure a row, a size a column."""
    last = measured[-1]
    rows = [["seconds", *(f"{one.frames:,}" for one in measured)], ["---", *("---:" for _ in measured)]]
    rows.append(
        ["frames of the version, of those labelled", *(f"{one.rows:,} of {one.labelled:,}" for one in measured)]
    )
    rows += [[name, *(f"{one.times_s.get(name, 0):.2f}" for one in measured)] for name in last.times_s]
    rows.append(["peak memory of building, MiB", *(f"{one.build_peak_bytes / 2**20:.0f}" for one in measured)])
    rows.append(["version on disk, MiB", *(f"{one.folder_bytes / 2**20:.0f}" for one in measured)])
    kept = last.times_s["built"] < TARGET_S and last.build_peak_bytes < TARGET_GIB * 2**30
    verdict = f"Under {TARGET_S:g} s and {TARGET_GIB:g} GiB at {last.frames:,} frames: {'yes' if kept else 'no'}."
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", verdict])


if __name__ == "__main__":
    main()
