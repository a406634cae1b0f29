"""Label Studio's questions for suggestions: who may ask, what is answered, and that no model keeps anybody waiting."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI, Response
from fastapi.testclient import TestClient
from pydantic import SecretStr

from tests.services import STARTED_AT, WORKBENCH_ADDRESS, free_port, grey_jpeg
from tests.ui.guarded import guarded, listening, waits, with_key
from workbench.domain import Annotation, Basis, Clip, Frame, JobState, LabelTask, Prediction, Site
from workbench.labeling.ml_protocol import AskedTask
from workbench.store import CurrentModel, ReadAnswer, Suggester, turn
from workbench.ui.cookies import COOKIE_NAME, Sessions
from workbench.ui.ml_backend import ml_backend_routes
from workbench.ui.prelabel_card import SuggestionFigures
from workbench.workflows import label, suggester, suggesting
from workbench.workflows.connect import connect
from workbench.workflows.jobs import cancel_job, refresh_jobs
from workbench.workflows.ml_backend import ML_USER, password_of
from workbench.workflows.prelabel import PreLabeller, source_of
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

PATIENCE_S = 240.0
VERSION = "yesterday@1"

Post = Callable[..., httpx.Response]


def backend_of(workspace: Workspace) -> FastAPI:
    return guarded(workspace, ml_backend_routes(workspace))


@pytest.fixture
def asked(workspace: Workspace, yard: Site) -> Workspace:
    """A workspace whose site has four frames; a model, known to be the current one, guessed about the first two."""
    bench = with_key(workspace)
    clip = Clip("c" * 64, yard.name, "north", "gate.mp4", STARTED_AT, 4.0, (64, 48))
    bench.store.footage.add_clip(clip)
    for second in range(4):
        frame_id = bench.frame_files.write(grey_jpeg(second))
        at = STARTED_AT + timedelta(seconds=second)
        frame = Frame(frame_id, yard.name, "north", clip.id, clip.name, float(second), at, (64, 48))
        bench.store.footage.add_frames([frame])
    guesses = [Prediction(frame_id, "truck", "A truck.", VERSION, 0.9) for frame_id in frames_of(bench)[:2]]
    bench.store.labels.add_predictions(yard.name, guesses)
    bench.store.suggestions.set_model(yard.name, CurrentModel(source_of(bench, yard.name), VERSION))
    return bench


def frames_of(workspace: Workspace) -> list[str]:
    return list(workspace.store.footage.frame_ids("yard"))


def at_work(workspace: Workspace, *, is_ready: bool = False) -> None:
    """Have it look as if a suggester was about to load its model, so that none is started."""
    workspace.store.suggestions.set_suggester("yard", Suggester(2**22 + 1, datetime.now(UTC), is_ready))


@pytest.fixture
def post(asked: Workspace) -> Iterator[Post]:
    auth = (ML_USER, password_of(asked.settings, "yard"))
    with TestClient(backend_of(asked)) as client:

        def posted(verb: str, json: object = None, **more: object) -> httpx.Response:
            return client.post(f"/ml/yard/{verb}", json=json, **{"auth": auth, **more})  # type: ignore[arg-type]

        yield posted


def have_ended(workspace: Workspace) -> bool:
    return all(job.state is not JobState.RUNNING for job in refresh_jobs(workspace))


def cookie_of(name: str, workspace: Workspace) -> str:
    response = Response()
    Sessions(workspace.settings).begin(response, name)
    return response.headers["set-cookie"].partition("=")[2].partition(";")[0]


def task(number: int, frame_id: str) -> dict[str, object]:
    return {"id": number, "data": {"image": "http://x.invalid", "frame_id": frame_id}, "project": 1}


def test_what_is_known_is_answered_at_once_and_starts_nothing(asked: Workspace, post: Post) -> None:
    first, second, *_ = frames_of(asked)
    assert post("setup", {"project": "1.1", "schema": "<View/>"}).json() == {"model_version": VERSION}
    (one,), (other,) = post("predict", {"tasks": [task(7, first), task(8, second)]}).json()["results"]
    assert (one["model_version"], one["score"]) == (VERSION, 0.9)
    assert [region["value"] for region in one["result"]] == [{"choices": ["truck"]}, {"text": ["A truck."]}]
    assert one == other
    assert asked.store.jobs.all() == []


def test_what_is_not_known_is_answered_by_nothing_and_put_on_the_list(asked: Workspace, post: Post) -> None:
    at_work(asked)
    first, _, third, fourth = frames_of(asked)
    request = {"tasks": [task(7, third), task(8, first), task(9, "f" * 64), {"id": 10, "data": {}}]}
    unknown, known, foreign, nameless = post("predict", request).json()["results"]
    assert (unknown, foreign, nameless) == ([], [], [])
    assert known[0]["model_version"] == VERSION
    assert asked.store.suggestions.asked("yard", 9) == [third]
    post("predict", {"tasks": [task(11, fourth)]})
    assert asked.store.suggestions.asked("yard", 9) == [fourth, third]


def test_a_frame_that_was_covered_is_found_by_its_task(asked: Workspace, post: Post) -> None:
    asked.store.labels.set_project("yard", 1)
    asked.store.labels.add_tasks("yard", [LabelTask(frames_of(asked)[0], 7, 1, "pushed")])
    ((said,),) = post("predict", {"tasks": [task(7, "e" * 64)]}).json()["results"]
    assert said["model_version"] == VERSION


def test_a_class_that_the_site_no_longer_has_is_not_suggested(asked: Workspace, post: Post) -> None:
    at_work(asked)
    first = frames_of(asked)[0]
    asked.store.labels.add_predictions("yard", [Prediction(first, "bicycle", "A bicycle.", VERSION, 0.9)])
    assert post("predict", {"tasks": [task(7, first)]}).json() == {"results": [[]]}


@pytest.mark.parametrize("verb", ["health", "setup", "predict"])
def test_nobody_asks_without_the_sites_own_password(asked: Workspace, verb: str) -> None:
    right = password_of(asked.settings, "yard")
    of_another_key = with_key(asked, session_key=SecretStr("j" * 64))
    wrong = [
        None,
        (ML_USER, ""),
        (ML_USER, f"{right}0"),
        ("somebody", right),
        (ML_USER, password_of(asked.settings, "port")),
        (ML_USER, password_of(of_another_key.settings, "yard")),
        (ML_USER, "ü"),
    ]
    with TestClient(backend_of(asked)) as client:
        client.cookies.set(COOKIE_NAME, cookie_of("ada", asked))
        method = "GET" if verb == "health" else "POST"
        answers = [client.request(method, f"/ml/yard/{verb}", auth=auth, json={"tasks": []}) for auth in wrong]
        assert {answer.status_code for answer in answers} == {401}
        assert client.request(method, f"/ml/yard/{verb}", auth=(ML_USER, right), json={"tasks": []}).is_success
    keyless = with_key(asked, session_key=SecretStr(""))
    with TestClient(backend_of(keyless)) as client:
        auth = (ML_USER, password_of(keyless.settings, "yard"))
        assert client.request(method, f"/ml/yard/{verb}", auth=auth, json={"tasks": []}).status_code == 401


@pytest.mark.parametrize(
    "body",
    [b"no JSON", b"[]", b'{"tasks": 7}', b'{"tasks": [7]}', b"\xff", b"[" * 5_000],
    ids=["no JSON", "a list", "no list of tasks", "no tasks", "no UTF-8", "deep"],
)
def test_what_is_no_request_of_label_studios_is_refused(post: Post, body: bytes) -> None:
    assert post("predict", content=body).status_code == 422


def test_a_request_too_large_is_refused_unread(post: Post) -> None:
    assert post("predict", content=iter([b"of no ", b"known length"])).status_code == 413


def test_an_answer_comes_while_somebody_else_writes(
    asked: Workspace, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.ui.ml_backend._ANSWER_WITHIN_S", 0.1)
    at_work(asked)
    third = frames_of(asked)[2]
    with asked.store.transaction():
        assert post("predict", {"tasks": [task(7, third)]}).json() == {"results": [[]]}
    assert waits(lambda: asked.store.suggestions.asked("yard", 9) == [third])


def test_one_suggester_is_started_and_one_that_died_is_replaced_later(
    asked: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggesting.sys, "executable", "/bin/true")
    assert not suggesting.ensure_suggester(asked, "yard")
    asked.store.suggestions.ask("yard", frames_of(asked)[2:])
    assert suggesting.ensure_suggester(asked, "yard")
    assert not suggesting.ensure_suggester(asked, "yard")
    dead = asked.store.suggestions.suggester("yard")
    assert dead is not None
    asked.store.suggestions.set_suggester("yard", replace(dead, born_at=dead.born_at - timedelta(minutes=2)))
    assert suggesting.ensure_suggester(asked, "yard")
    assert [job.kind for job in asked.store.jobs.all("yard")] == ["label-suggest"] * 2
    assert waits(lambda: have_ended(asked))


def test_another_champion_is_found_out_about_though_nothing_is_missing(
    asked: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggesting.sys, "executable", "/bin/true")
    asked.store.suggestions.set_model("yard", CurrentModel("champion 1", VERSION))
    assert suggesting.ensure_suggester(asked, "yard")
    assert waits(lambda: have_ended(asked))


def test_the_list_is_worked_off_and_what_cannot_be_read_is_left_out(
    asked: Workspace, yard: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StandIn(PreLabeller):
        def load(self) -> str:
            return VERSION

        def guess(self, frame_ids: object) -> list[Prediction]:
            assert isinstance(frame_ids, list)
            for frame_id in frame_ids:
                asked.frame_files.read(frame_id)
            return [Prediction(one, "person", "A man.", VERSION, 0.8) for one in frame_ids]

    monkeypatch.setattr(suggester, "PreLabeller", StandIn)
    first, _, third, _ = frames_of(asked)
    gone = Frame("d" * 64, "yard", "north", "c" * 64, "gate.mp4", 9.0, STARTED_AT, (64, 48))
    asked.store.footage.add_frames([gone])
    asked.store.suggestions.ask("yard", [first, third, gone.id])
    report = suggester.suggest_asked(asked, "yard", actor="tester", linger_s=0.0)
    assert (report.model_version, report.suggested, report.unreadable) == (VERSION, 1, 1)
    made = asked.store.suggestions.made("yard", VERSION, [first, third])
    assert {one: said.class_name for one, said in made.items()} == {first: "truck", third: "person"}
    assert asked.store.suggestions.asked("yard", 9) == []
    assert asked.store.suggestions.suggester("yard") is None


def test_who_is_asked_at_the_last_moment_does_not_leave(asked: Workspace) -> None:
    at_work(asked, is_ready=True)
    asked.store.suggestions.ask("yard", frames_of(asked)[2:3])
    assert not asked.store.suggestions.retire("yard")
    asked.store.suggestions.settle("yard", frames_of(asked))
    assert asked.store.suggestions.retire("yard")


def test_the_card_tells_what_labellers_made_of_each_version(asked: Workspace) -> None:
    figures = SuggestionFigures(asked)
    assert "Nobody has answered a suggestion yet" in figures.shown("yard")
    first, second, third, _ = frames_of(asked)
    said = [
        Annotation(first, "truck", "A truck.", "lin@site", STARTED_AT, 1),
        Annotation(second, "person", "A man.", "lin@site", STARTED_AT, 2),
    ]
    asked.store.labels.change_annotations("yard", said, ())
    asked.store.reactions.put(
        "yard", [ReadAnswer(one.annotation_id, one.frame_id, VERSION, Basis.PARENT, False, STARTED_AT) for one in said]
    )
    asked.store.suggestions.ask("yard", [third])
    shown = figures.shown("yard")
    assert VERSION in shown
    assert "in use now" in shown
    assert "1 · 50% (" in shown
    assert "1 still waits for a suggestion" in shown


def test_label_studio_asks_on_opening_a_task_and_no_model_keeps_it_waiting(
    bench: Workspace, labelled_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, port = labelled_site.name, free_port()
    reachable = with_key(bench, public_url=f"http://{WORKBENCH_ADDRESS}:{port}")
    for name in ("labelstudio_url", "public_url"):
        monkeypatch.setenv(f"WORKBENCH_{name.upper()}", getattr(reachable.settings, name))
    for name in ("labelstudio_token", "session_key"):
        monkeypatch.setenv(f"WORKBENCH_{name.upper()}", getattr(reachable.settings, name).get_secret_value())
    project_id = label.push(reachable, site, actor="test", prelabel=False, limit=4).project_id
    tasks = {task.task_id: frame_id for frame_id, task in bench.store.labels.tasks(site).items()}
    first, second, third, fourth = sorted(tasks)
    bench.store.labels.add_predictions(site, [Prediction(tasks[first], "person", "A man.", VERSION, 0.9)])
    bench.store.suggestions.set_model(site, CurrentModel(source_of(reachable, site), VERSION))
    studio = open_studio(reachable)
    token = reachable.settings.labelstudio_token.get_secret_value()
    page = httpx.Client(base_url=studio.url, headers={"Authorization": f"Token {token}"}, timeout=PATIENCE_S)

    def opened(task_id: int) -> list[str]:
        return [said["model_version"] for said in page.get(f"/api/tasks/{task_id}").json()["predictions"]]

    with page, listening(backend_of(reachable), WORKBENCH_ADDRESS, port):
        assert connect(reachable, site, actor="test").is_new
        again = connect(reachable, site, actor="test")
        assert (again.is_connected, again.is_new) == (True, False)
        in_the_stream = page.get(f"/api/projects/{project_id}/next").json()
        assert (in_the_stream["id"], in_the_stream["predictions"][0]["model_version"]) == (first, VERSION)
        assert bench.store.jobs.all(site) == []

        with turn(reachable.settings.run_dir / f"suggest-{site}.lock"):
            assert opened(second) == []
            assert waits(lambda: bench.store.jobs.all(site) != [])
            assert opened(third) == []
            (job,) = bench.store.jobs.all(site)
            assert (job.kind, job.state, job.started_by) == ("label-suggest", JobState.RUNNING, "label-studio")
            assert sorted(bench.store.suggestions.asked(site, 9)) == sorted([tasks[second], tasks[third]])

        assert waits(lambda: bench.store.suggestions.asked(site, 9) == [])
        (version,) = opened(second)
        assert version.startswith("base-vlm@")
        (said,) = suggesting.suggestions_for(reachable, site, [AskedTask(fourth, "")], patience_s=PATIENCE_S)
        assert said is not None
        assert said.model_version == version
        (backend,) = studio._client.ml.list(project=project_id)
        assert (backend.title, studio._client.projects.get(project_id).model_version) == (version, version)
        assert not [hook for hook in studio._client.webhooks.list(project=str(project_id)) if "/ml/" in hook.url]
        cancel_job(reachable, job.id, actor="test")


def test_where_label_studio_cannot_ask_a_push_says_so_in_a_line(bench: Workspace, labelled_site: Site) -> None:
    site = labelled_site.name
    bench.store.suggestions.set_model(site, CurrentModel(source_of(bench, site), VERSION))

    def because(workspace: Workspace) -> str:
        report = connect(workspace, site, actor="test")
        assert not report.is_connected
        return report.because

    label.push(bench, site, actor="test", prelabel=False, limit=1)
    assert because(with_key(bench, session_key=SecretStr(""))).endswith("`workbench up` makes one")
    assert "set WORKBENCH_PUBLIC_URL" in because(with_key(bench, public_url="http://127.0.0.1:7860"))
    assert "reserved network address" in because(with_key(bench, public_url="http://10.1.2.3:7860"))
    nobody_listens = with_key(bench, public_url=f"http://{WORKBENCH_ADDRESS}:{free_port()}")
    assert "Can't connect" in because(nobody_listens)
    assert bench.store.audit.events(site)[-1].action == "label.push"
