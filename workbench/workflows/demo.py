"""The main job on the demo site, unattended: from clips to an approved champion in the registry.

Every step is the workflow that the command line and the UI call. Only the people are scripted: two labelling accounts
of Label Studio whose names say so, an engineer who requests and a reviewer who approves.
"""

import hashlib
import hmac
import resource
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from workbench.domain import Answer, Candidate, DriftReport, Interval, Role, Taxonomy
from workbench.labeling.formats.file_label import FileLabel
from workbench.labeling.formats.reading import read_labels
from workbench.labeling.signup import ensure_labeller
from workbench.labeling.studio import Studio
from workbench.labeling.taxonomy_file import read_taxonomy
from workbench.progress import Progress, silent
from workbench.scenes.demo_site import NEXT_DAY_CAMERA, NEXT_DAY_FOLDER, DemoSiteReport, render_demo_site
from workbench.settings import embedded_path
from workbench.workflows import accounts, build, evaluate, ingest, label, monitor, promote, services, sites, tune
from workbench.workflows.shown_frames import find_frames
from workbench.workflows.task_board import TaskBoard
from workbench.workflows.workspace import Workspace

__all__ = ["DemoSummary", "Stage", "render_demo", "run_demo"]

SITE = "harbour-cold-store"
PEOPLE = {"demo-engineer": Role.ENGINEER, "demo-reviewer": Role.REVIEWER}
RECIPE = "demo.yaml"
NEXT_DAY_EVERY_S = 2.0
LABELLERS = ("scripted-labeller-1@demo.invalid", "scripted-labeller-2@demo.invalid")
ACTOR = "demo"


@dataclass(frozen=True)
class Stage:
    name: str
    seconds: float


@dataclass(frozen=True)
class DemoSummary:
    """What the demo did; ``passwords`` are those of the accounts that it made, by name, for a look around the UI."""

    site: str
    stages: tuple[Stage, ...]
    base: Mapping[str, Interval]
    adapted: Mapping[str, Interval]
    drift: tuple[DriftReport, ...]
    mlflow_run_id: str
    registered_model: str
    version: int
    alias: str
    approved_by: str
    requested_by: str
    seconds: float
    peak_memory_gib: float
    passwords: Mapping[str, str] = field(repr=False)


class _Stopwatch:
    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.started_s = time.monotonic()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        started_s = time.monotonic()
        yield
        self.stages.append(Stage(name, round(time.monotonic() - started_s, 1)))

    @property
    def seconds(self) -> float:
        return round(time.monotonic() - self.started_s, 1)


def render_demo(directory: Path) -> DemoSiteReport:
    """Render the demo site's clips and ``labels.csv`` into ``directory``."""
    return render_demo_site(directory)


def run_demo(workspace: Workspace, *, progress: Progress = silent) -> DemoSummary:
    """Take the demo site from its clips to a champion; run again, it adds a new run and version to the same site."""
    watch = _Stopwatch()
    clips_dir = embedded_path("demo")
    rows = read_labels(clips_dir / "labels.csv")
    passwords = {name: secrets.token_urlsafe(12) for name in PEOPLE}
    for name, role in PEOPLE.items():
        accounts.add_user(workspace, name, passwords[name], [role], actor=ACTOR)

    with services.started(workspace, only={"label-studio"}, progress=progress) as starting:
        workspace = starting.workspace
        with watch.stage("ingest"):
            _add_site(workspace, read_taxonomy(clips_dir / "taxonomy.yaml"))
            _ingest_clips(workspace, clips_dir, progress)
        with watch.stage("wait for Label Studio"):
            starting.wait()
        with watch.stage("pre-label and push"):
            label.push(workspace, SITE, actor=ACTOR, progress=progress)
        with watch.stage("label as scripted accounts"):
            _submit_labels(workspace, rows, progress)
        with watch.stage("pull"):
            label.pull(workspace, SITE, actor=ACTOR, progress=progress)
    with watch.stage("dataset"):
        build.build_dataset(workspace, SITE, actor=ACTOR, progress=progress)
    with watch.stage("tune"):
        tuned = tune.tune(workspace, embedded_path("recipes") / RECIPE, site=SITE, actor=ACTOR, progress=progress)
    with watch.stage("evaluate base"):
        base = evaluate.evaluate(workspace, site=SITE, model="base", actor=ACTOR, progress=progress)
    with watch.stage("evaluate adapter"):
        adapted = evaluate.evaluate(workspace, site=SITE, model=tuned.run_id, actor=ACTOR, progress=progress)
    with watch.stage("promote"):
        approved = _promote(workspace, tuned.run_id)
    with watch.stage("ingest the next day"):
        next_day = _ingest_next_day(workspace, clips_dir / NEXT_DAY_FOLDER, progress)
    with watch.stage("drift"):
        drift = monitor.check_drift(workspace, site=SITE, since=next_day, actor=ACTOR, progress=progress)
    return DemoSummary(
        site=SITE,
        stages=tuple(watch.stages),
        base=base.report.metrics,
        adapted=adapted.report.metrics,
        drift=tuple(drift),
        mlflow_run_id=tuned.run_id,
        registered_model=SITE,
        version=approved.version,
        alias="champion",
        approved_by=str(approved.decided_by),
        requested_by=approved.requested_by,
        seconds=watch.seconds,
        peak_memory_gib=_peak_memory_gib(),
        passwords=passwords,
    )


def _add_site(workspace: Workspace, taxonomy: Taxonomy) -> None:
    """Make the site; one that an earlier run made is left with whatever is asked there by now."""
    if SITE not in {site.name for site in workspace.store.sites.all()}:
        sites.add_site(workspace, SITE, taxonomy.class_names, taxonomy=taxonomy, actor=ACTOR)


def _ingest_clips(workspace: Workspace, clips_dir: Path, progress: Progress) -> None:
    for clip_path in sorted(clips_dir.glob("*.mp4")):
        camera = clip_path.stem.rpartition("_")[0]
        sites.add_camera(workspace, SITE, camera, actor=ACTOR)
        ingest.ingest(
            workspace,
            str(clip_path),
            site=SITE,
            camera=camera,
            at=clips_dir / "labels.csv",
            actor=ACTOR,
            progress=progress,
        )


def _ingest_next_day(workspace: Workspace, folder: Path, progress: Progress) -> datetime:
    """Take in what one camera saw after the model was made; return when that begins."""
    taken = ingest.ingest(
        workspace,
        str(folder),
        site=SITE,
        camera=NEXT_DAY_CAMERA,
        every_s=NEXT_DAY_EVERY_S,
        actor=ACTOR,
        progress=progress,
    )
    assert taken.since is not None
    return taken.since


def _submit_labels(workspace: Workspace, rows: Sequence[FileLabel], progress: Progress) -> None:
    """Have each scripted account answer, as itself and through the API, its share of the tasks without an answer."""
    board = TaskBoard.read(workspace, SITE, progress)
    frames = find_frames(workspace, SITE, (row.shown for row in rows)).frames
    answers: dict[int, Answer] = {}
    for row in rows:
        frame = frames.get(row.shown)
        if frame is not None and not board.tasks[frame.id].annotations:
            answers[board.tasks[frame.id].task_id] = Answer(row.class_name, row.caption)
    task_ids = sorted(answers)
    for turn, labeller in enumerate(LABELLERS):
        share = {task_id: answers[task_id] for task_id in task_ids[turn :: len(LABELLERS)]}
        url, token = workspace.settings.labelstudio_url, _labeller_token(workspace, board.studio, labeller)
        Studio(url, token).create_annotations(share, progress)


def _labeller_token(workspace: Workspace, studio: Studio, email: str) -> str:
    """Return the API token of a scripted account; its password follows from the workspace's key, so it stays known."""
    key = workspace.settings.session_key.get_secret_value().encode()
    password = hmac.new(key, email.encode(), hashlib.sha256).hexdigest()
    return ensure_labeller(studio.url, studio.invitation_path(), email, password)


def _promote(workspace: Workspace, run_id: str) -> Candidate:
    engineer, reviewer = (workspace.store.users.get(name) for name in PEOPLE)
    requested = promote.request_promotion(workspace, site=SITE, run_id=run_id, actor=engineer)
    return promote.approve(
        workspace, site=SITE, version=requested.version, actor=reviewer, note="approved by the demo's script"
    )


def _peak_memory_gib() -> float:
    """Return the largest resident set of this process or of a child that has ended, whichever is larger."""
    peaks_kib = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return round(max(peaks_kib) / 2**20, 2)
