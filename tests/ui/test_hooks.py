"""Hooks: who may post them, what becomes of them, and that they change nothing but how soon something is known."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import psutil
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from tests.services import WORKBENCH_ADDRESS, free_port
from tests.ui.guarded import guarded, listening, waits, with_key
from workbench.domain import Answer, Site
from workbench.labeling.studio import NewTask
from workbench.ui.hooks import hook_routes
from workbench.workflows import label
from workbench.workflows.follow_labels import follow, following
from workbench.workflows.hooks import HOOK_HEADER, HOOK_PATH, hook_token
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace


def receiver_of(workspace: Workspace) -> FastAPI:
    return guarded(workspace, hook_routes(workspace))


@pytest.fixture
def told(workspace: Workspace, yard: Site) -> Workspace:
    """A workspace whose site is project 7 of a Label Studio."""
    workspace.store.labels.set_project(yard.name, 7)
    return with_key(workspace)


@pytest.fixture
def post(told: Workspace) -> Iterator[Callable[..., httpx.Response]]:
    with TestClient(receiver_of(told)) as client:

        def posted(token: str, **more: object) -> httpx.Response:
            return client.post(HOOK_PATH, headers={HOOK_HEADER: token}, **more)  # type: ignore[arg-type]

        yield posted


def hooks_of(workspace: Workspace) -> dict[str, int]:
    return {waiting.site: waiting.hooks for waiting in workspace.store.hooks.waiting()}


def test_a_hook_is_answered_and_written_down_whatever_it_says(
    told: Workspace, yard: Site, post: Callable[..., httpx.Response]
) -> None:
    token = hook_token(told.settings, 7)
    bodies = [{"json": {"action": "ANNOTATION_CREATED"}}, {"content": b"\x00 no JSON"}, {"content": b""}]
    assert [post(token, **body).status_code for body in bodies] == [202, 202, 202]
    assert waits(lambda: hooks_of(told) == {yard.name: 3})
    assert told.store.audit.events() == []


@pytest.mark.parametrize(
    "token",
    ["", "7", "7.", f"7.{'0' * 64}", "-7.x", "7" * 5_000, "ü.ü".encode().decode("latin-1"), "٧.x"],
)
def test_without_the_secret_no_hook_is_taken(told: Workspace, post: Callable[..., httpx.Response], token: str) -> None:
    encoded = token if token.isascii() else token.encode()
    assert post(encoded).status_code == 401  # type: ignore[arg-type]
    assert hooks_of(told) == {}
    assert told.store.audit.events() == []


def test_a_secret_is_good_for_its_own_project_and_workspace_alone(
    told: Workspace, post: Callable[..., httpx.Response]
) -> None:
    of_another_key = with_key(told, session_key=SecretStr("j" * 64))
    _, _, proof = hook_token(told.settings, 8).partition(".")
    assert post(f"7.{proof}").status_code == 401
    assert post(hook_token(of_another_key.settings, 7)).status_code == 401
    keyless = with_key(told, session_key=SecretStr(""))
    with TestClient(receiver_of(keyless)) as client:
        assert client.post(HOOK_PATH, headers={HOOK_HEADER: hook_token(keyless.settings, 7)}).status_code == 401


def test_a_hook_of_a_project_that_is_nobodys_changes_nothing(
    told: Workspace, yard: Site, post: Callable[..., httpx.Response]
) -> None:
    assert post(hook_token(told.settings, 12)).status_code == 202
    assert post(hook_token(told.settings, 7)).status_code == 202
    assert waits(lambda: hooks_of(told) == {yard.name: 1})


def test_a_body_too_large_is_refused_unread(told: Workspace, post: Callable[..., httpx.Response]) -> None:
    token = hook_token(told.settings, 7)
    assert post(token, content=b"x" * 1_100_000).status_code == 413
    assert post(token, content=iter([b"of no ", b"known length"])).status_code == 413
    assert hooks_of(told) == {}


def test_a_hook_is_answered_while_somebody_else_writes(
    told: Workspace, yard: Site, post: Callable[..., httpx.Response]
) -> None:
    with told.store.transaction():
        assert post(hook_token(told.settings, 7)).status_code == 202
    assert waits(lambda: hooks_of(told) == {yard.name: 1})


def test_hooks_that_come_while_their_site_is_fetched_keep_waiting(told: Workspace, yard: Site) -> None:
    told.store.hooks.add(yard.name)
    (seen,) = told.store.hooks.waiting()
    told.store.hooks.add(yard.name, 2)
    told.store.hooks.settle(seen)
    assert hooks_of(told) == {yard.name: 3}
    (seen,) = told.store.hooks.waiting()
    told.store.hooks.settle(seen)
    assert hooks_of(told) == {}


def test_label_studio_tells_of_an_answer_and_it_is_fetched(
    bench: Workspace, labelled_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.workflows.follow_labels._QUIET_S", 0.0)
    monkeypatch.setattr("workbench.workflows.follow_labels._LOOK_S", 0.05)
    port, site = free_port(), labelled_site.name
    reachable = with_key(bench, public_url=f"http://{WORKBENCH_ADDRESS}:{port}")
    report = label.push(reachable, site, actor="test", prelabel=False, limit=2)
    first, second = (task.task_id for task in bench.store.labels.tasks(site).values())
    lines: list[str] = []

    def has_fetched(annotations: int) -> bool:
        return bench.store.labels.count_annotations(site) == annotations and not hooks_of(bench)

    with listening(receiver_of(reachable), WORKBENCH_ADDRESS, port):
        open_studio(bench).create_annotations({first: Answer("person", "A man.")})
        assert waits(lambda: hooks_of(bench) != {})
        follow(reachable, actor="test", every_s=3600, tell=lines.append, is_wanted=lambda: not has_fetched(1))
        open_studio(bench).create_annotations({second: Answer("clear", "Empty.")})
        headers = {HOOK_HEADER: hook_token(reachable.settings, report.project_id)}
        for body in (b"", b"twice", b"late"):
            httpx.post(f"{reachable.settings.public_url}{HOOK_PATH}", headers=headers, content=body).raise_for_status()
        assert waits(lambda: hooks_of(bench) != {})
        follow(reachable, actor="test", every_s=3600, tell=lines.append, is_wanted=lambda: not has_fetched(2))
    assert lines == [f"{site}: 1 annotations added, 0 changed, 0 removed"] * 2
    fetched = bench.store.labels.annotations(site)
    again = label.pull(bench, site, actor="test", everything=True)
    assert (again.added, again.changed, again.removed) == (0, 0, 0)
    assert bench.store.labels.annotations(site) == fetched


def test_without_a_hook_answers_are_found_by_looking_and_a_server_that_is_away_is_waited_for(
    bench: Workspace, labelled_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.workflows.follow_labels._LOOK_S", 0.05)
    site = labelled_site.name
    report = label.push(bench, site, actor="test", prelabel=False, limit=1)
    frame_id = next(bench.store.footage.frame_ids(site))
    twin = NewTask(frame_id, "http://x.invalid", "x", None, (Answer("clear", "Empty."),))
    open_studio(bench).add_tasks(report.project_id, [twin])
    lines: list[str] = []
    follow(bench, actor="test", every_s=0.1, tell=lines.append, is_wanted=lambda: not lines)
    assert lines == [f"{site}: 1 annotations added, 0 changed, 0 removed"]

    away = replace(
        bench, settings=bench.settings.model_copy(update={"labelstudio_url": f"http://127.0.0.1:{free_port()}"})
    )
    bench.store.hooks.add(site)
    lines.clear()
    follow(away, actor="test", every_s=0.1, tell=lines.append, is_wanted=lambda: len(lines) < 2)
    assert all("run `workbench up`" in line for line in lines)
    assert hooks_of(bench) == {site: 1}


def test_the_server_keeps_a_process_of_its_own_that_follows(told: Workspace, yard: Site) -> None:
    """It asks a Label Studio that is not there, says so in its log, and is gone when the server is."""
    away = with_key(told, labelstudio_url=f"http://127.0.0.1:{free_port()}")
    log = told.settings.logs_dir / "label-follow.log"
    with following(with_key(told, fetch_every_s=0.0)):
        assert not log.exists()
    with following(away):
        assert waits(lambda: log.exists() and f"{yard.name}: Expected" in log.read_text())
        assert is_following()
    assert not is_following()


def is_following() -> bool:
    """Tell whether a child of this process follows."""
    alive = (child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE)
    return any("follow" in child.cmdline() for child in alive)
