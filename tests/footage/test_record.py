"""A camera's stream comes into the catalogue as it goes, with its state for those who look, and without its secrets."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.rtsp_server import RtspServer
from workbench.cli.site import cameras
from workbench.domain import JobState, LiveRecording, Mask, StreamKind, Taking
from workbench.errors import FootageError, NotFoundError, StorageError, UsageError
from workbench.footage.selection import SelectionRules
from workbench.jobs import born_at
from workbench.workflows.jobs import cancel_job, job_log_tail, refresh_jobs, start_job
from workbench.workflows.privacy import hide
from workbench.workflows.record import is_going_on, record
from workbench.workflows.sites import add_camera, stream_address, try_stream
from workbench.workflows.workspace import Workspace

EVERYTHING = Mask(((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
LEFT_HALF = Mask(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
SECRET = "s3cret"


@pytest.fixture(scope="module")
def camera() -> Iterator[RtspServer]:
    with RtspServer("ann", SECRET) as server:
        yield server


@pytest.fixture
def url(camera: RtspServer) -> str:
    return camera.url("/live", userinfo=f"ann:{SECRET}@")


def test_what_came_is_kept_when_a_recording_is_stopped(workspace: Workspace, url: str) -> None:
    seen: list[LiveRecording] = []

    def stop_after_three(done: int, total: int | None, what: str) -> None:
        seen.append(workspace.store.streams.recordings("yard")["gate"])
        if done == 3:
            raise KeyboardInterrupt

    made = record(workspace, url, site="yard", camera="gate", every_s=0.5, actor="ann", progress=stop_after_three)

    (clip,) = workspace.store.footage.clips("yard")
    frames = workspace.store.footage.frames("yard")
    assert [frame.offset_s for frame in frames] == pytest.approx([0.0, 0.5, 1.0], abs=0.1)
    assert clip.duration_s == frames[-1].offset_s
    (told,) = workspace.store.samplings.newest("yard", 5)
    assert told == made
    assert (told.frames_added, told.problems, told.clips) == (3, (), (clip.name,))
    assert {one.kind for one in seen} == {StreamKind.LIVE}
    assert all(is_going_on(one) for one in seen)
    after = workspace.store.streams.recordings("yard")["gate"]
    assert (after.kind, after.stills_taken, is_going_on(after)) == (StreamKind.ENDED, 3, False)


def test_a_camera_that_refuses_is_told_of_at_once(workspace: Workspace) -> None:
    told: list[str] = []

    def stop(done: int, total: int | None, what: str) -> None:
        told.append(what)
        raise KeyboardInterrupt

    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = f"127.0.0.1:{listener.getsockname()[1]}"
    record(workspace, f"rtsp://ann:{SECRET}@{place}/1", site="yard", camera="gate", actor="ann", progress=stop)

    assert told == [f"waiting for rtsp://{place}/1 (connection refused)"]


def test_areas_that_are_hidden_meanwhile_are_hidden_from_then_on(
    workspace: Workspace, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.workflows.record._KEPT_EVERY_S", 1.0)

    begun = 0

    def hide_then_stop(done: int, total: int | None, what: str) -> None:
        nonlocal begun
        begun += done == 1
        if begun == 1 and done == 1:
            hide(workspace, site="yard", camera="gate", masks=[LEFT_HALF], faces=False, actor="ann")
        if begun == 2 and done == 4:
            raise KeyboardInterrupt

    record(workspace, url, site="yard", camera="gate", every_s=0.5, actor="ann", progress=hide_then_stop)

    frames = workspace.store.footage.frames("yard")
    assert len(frames) >= 2
    for frame in frames:
        stored = np.asarray(Image.open(BytesIO(workspace.frame_files.read(frame.id))))
        assert stored[:, :150].max() < 10 < stored[:, 170:].min()
    assert len(list(workspace.settings.frames_dir.rglob("*.jpg"))) == len(frames)


def test_only_what_changes_is_taken_where_that_is_asked_for(workspace: Workspace, url: str) -> None:
    hide(workspace, site="yard", camera="dock", masks=[EVERYTHING], faces=False, actor="ann")
    ball = url.replace("/live", "/ball")

    moving = record(
        workspace, ball, site="yard", camera="gate", every_s=0.5, taking=Taking.CHANGES, duration_s=3.0, actor="ann"
    )
    behind_a_mask = record(
        workspace, ball, site="yard", camera="dock", every_s=0.5, taking=Taking.CHANGES, duration_s=3.0, actor="ann"
    )

    assert moving.frames_added > 1
    assert behind_a_mask.frames_added == 1


def test_what_came_is_kept_while_nothing_more_comes(
    workspace: Workspace, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.workflows.record._KEPT_EVERY_S", 0.5)
    monkeypatch.setattr("workbench.footage.streams._PAUSE_S", 1.0)
    seen: list[int] = []

    def look(done: int, total: int | None, what: str) -> None:
        seen.append(workspace.store.footage.count("yard"))

    record(workspace, url, site="yard", camera="gate", every_s=4.0, duration_s=9.0, actor="ann", progress=look)

    assert seen == [0, 1, 2]


def test_near_copies_of_a_stream_are_left_out(workspace: Workspace, url: str) -> None:
    hide(workspace, site="yard", camera="gate", masks=[EVERYTHING], faces=False, actor="ann")

    sampling = record(
        workspace, url, site="yard", camera="gate", every_s=0.5, rules=SelectionRules(), duration_s=3.0, actor="ann"
    )

    assert sampling.frames_found >= 4
    assert sampling.frames_added == 1


def test_keyframes_alone_are_taken_where_that_is_asked_for(workspace: Workspace, url: str) -> None:
    sampling = record(
        workspace, url, site="yard", camera="gate", every_s=1.5, taking=Taking.KEYFRAMES, duration_s=2.5, actor="ann"
    )

    offsets_s = [frame.offset_s for frame in workspace.store.footage.frames("yard")]
    assert offsets_s == pytest.approx([0.0, 2.0], abs=0.2)
    assert sampling.problems == ()


def test_what_needs_the_whole_recording_is_refused(workspace: Workspace) -> None:
    rules = SelectionRules(size=5)
    with pytest.raises(UsageError, match="nobody knows yet what a stream will show"):
        record(workspace, "rtsp://cam/1", site="yard", camera="gate", rules=rules, actor="ann")


def test_one_process_at_a_time_records_a_camera(workspace: Workspace) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        now = datetime.now(UTC)
        workspace.store.streams.put_recording(
            LiveRecording("yard", "gate", StreamKind.LIVE, now, "", None, 0, 7, 0, other.pid, born_at(other.pid))
        )
        with pytest.raises(FootageError, match=f"process {other.pid}, live since"):
            record(workspace, "rtsp://cam/1", site="yard", camera="gate", duration_s=1.0, actor="ann")
        other.kill()
    assert not is_going_on(workspace.store.streams.recordings("yard")["gate"])


def test_an_address_is_kept_encrypted_and_shown_without_its_password(workspace: Workspace, url: str) -> None:
    add_camera(workspace, "yard", "gate", stream=url, actor="ann")
    add_camera(workspace, "yard", "gate", stream=url, actor="ann")

    assert stream_address(workspace, "yard", "gate") == url
    (shown,) = workspace.store.streams.addresses("yard").values()
    assert SECRET not in shown
    assert shown.endswith("/live")
    events = [event.action for event in workspace.store.audit.events("yard")]
    assert events.count("camera.stream") == 1
    assert SECRET not in repr(workspace.store.audit.events())
    for file in workspace.settings.data_dir.rglob("workbench.db*"):
        assert SECRET.encode() not in file.read_bytes()


def test_an_address_that_nobody_can_read_any_more_is_told_and_replaced(workspace: Workspace) -> None:
    add_camera(workspace, "yard", "gate", stream="rtsp://ann:s3cret@cam/1", actor="ann")
    lines = workspace.settings.local_env_file.read_text().splitlines()
    workspace.settings.local_env_file.write_text("\n".join(line for line in lines if "SECRETS_KEY" not in line) + "\n")

    with pytest.raises(StorageError, match="the key with which the address of camera gate was encrypted"):
        stream_address(workspace, "yard", "gate")
    add_camera(workspace, "yard", "gate", stream="rtsp://cam/2", actor="ann")
    assert stream_address(workspace, "yard", "gate") == "rtsp://cam/2"


def test_a_camera_without_an_address_is_told(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="the address at which camera gate streams"):
        stream_address(workspace, "yard", "gate")


def test_a_trial_shows_a_known_camera_as_its_stills_do(workspace: Workspace, url: str) -> None:
    hide(workspace, site="yard", camera="gate", masks=[EVERYTHING], faces=False, actor="ann")
    add_camera(workspace, "yard", "gate", stream=url, actor="ann")

    of_known = try_stream(workspace, site="yard", camera="gate")
    of_new = try_stream(workspace, site="yard", camera="attic", stream=url)

    assert np.asarray(Image.open(BytesIO(of_known.jpeg.content))).max() < 10
    assert np.asarray(Image.open(BytesIO(of_new.jpeg.content))).max() > 10
    assert workspace.store.footage.frames("yard") == []


def test_a_job_records_without_the_password_among_its_words(workspace: Workspace, url: str) -> None:
    add_camera(workspace, "yard", "gate", stream=url, actor="ann")
    argv = [sys.executable, "-m", "workbench", "camera", "record", "--site", "yard", "--every=0.5s", "--", "gate"]
    job = start_job(workspace, "camera-record", argv, site="yard", actor="ann")
    try:
        while not any(is_going_on(one) for one in workspace.store.streams.recordings("yard").values()):
            (job,) = refresh_jobs(workspace, "yard")
            assert job.state is JobState.RUNNING, job_log_tail(job)
    finally:
        if job.state is JobState.RUNNING:
            cancel_job(workspace, job.id, actor="ann")

    (job,) = refresh_jobs(workspace, "yard")
    assert job.state is JobState.CANCELLED
    assert SECRET not in repr(job) + job_log_tail(job) + repr(workspace.store.audit.events())
    assert not is_going_on(workspace.store.streams.recordings("yard")["gate"])
    assert os.getpid() != workspace.store.streams.recordings("yard")["gate"].pid


def test_the_commands_add_try_record_and_list_a_camera(
    workspace: Workspace, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))

    def told(*words: str, typed: str = "") -> Any:
        answer = CliRunner().invoke(cameras, [*words, "--site", "yard", "--json"], input=typed, catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
        assert SECRET not in answer.output
        return json.loads(answer.stdout)

    told("add", "attic", "--stream", "-", typed=f"{url}\n")
    picture = tmp_path / "attic.jpg"
    probe = told("try", "attic", "--out", str(picture))
    sampling = told("record", "attic", "--every", "500ms", "--duration", "2s")
    listed = told("list")

    assert Image.open(BytesIO(picture.read_bytes())).size == (320, 180)
    assert (probe["width"], probe["height"], probe["codec"]) == (320, 180, "h264")
    assert sampling["frames_added"] == sampling["frames_found"] > 0
    (attic,) = (camera for camera in listed if camera["name"] == "attic")
    assert attic["stream"].endswith("/live")
    assert attic["recording"]["kind"] == "ended"
    with pytest.raises(StorageError, match="to write the picture to"):
        told("try", "attic", "--out", str(tmp_path / "none" / "attic.jpg"))
