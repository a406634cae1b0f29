"""Against the real Label Studio."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.services import LabelStudioServer, free_port
from tests.unsteady_proxy import Fate, unsteady
from workbench.domain import Answer, Prediction, Site, Taxonomy
from workbench.errors import LabelStudioError, UnansweredError
from workbench.labeling.results import answer_to_result
from workbench.labeling.server import ADMINISTRATOR, VERSION
from workbench.labeling.signup import ensure_labeller
from workbench.labeling.studio import NewTask, Studio
from workbench.processes import find_running

PASSWORD = "Long-enough-77"


@pytest.fixture
def studio(label_studio: LabelStudioServer) -> Studio:
    return Studio(label_studio.url, label_studio.token)


@pytest.fixture
def project_id(studio: Studio, labelled_site: Site) -> int:
    return studio.ensure_project(labelled_site, Taxonomy.of(labelled_site), None)


@pytest.fixture
def stranger(label_studio: LabelStudioServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=label_studio.url) as client:
        yield client


@pytest.fixture
def labeller(studio: Studio) -> tuple[str, str]:
    """E-mail address and token of a new account."""
    email = f"scripted-labeller-{uuid4().hex[:8]}@site.invalid"
    return email, ensure_labeller(studio.url, studio.invitation_path(), email, PASSWORD)


def task(number: int, *answers: Answer, prediction: Prediction | None = None) -> NewTask:
    frame_id = f"{number:064x}"
    return NewTask(frame_id, f"http://bench.invalid/{number}.jpg", "pushed", prediction, answers)


def guess(number: int, version: str) -> Prediction:
    return Prediction(f"{number:064x}", "clear", "Nothing moves.", version, 0.25)


def test_the_server_is_the_tested_one(studio: Studio) -> None:
    assert studio.version() == VERSION
    assert studio.account() == ADMINISTRATOR


@pytest.mark.filterwarnings("ignore:The `parse_obj` method is deprecated")  # by the SDK, of a fresh access token
def test_a_personal_access_token_works_as_a_legacy_token_does(
    label_studio: LabelStudioServer, labeller: tuple[str, str], stranger: httpx.Client
) -> None:
    email, legacy = labeller
    answer = stranger.post("/api/token/", headers={"Authorization": f"Token {legacy}"})
    personal = answer.raise_for_status().json()["token"]
    assert personal.count(".") == 2
    for token in (legacy, personal):
        studio = Studio(label_studio.url, token)
        assert studio.account() == email
        assert {email, ADMINISTRATOR} <= set(studio.users().values())


@pytest.mark.parametrize(
    "token",
    [
        "0" * 40,
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCIsImV4cCI6ODEwMjQ4OTg4NX0.AAAA",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCIsImV4cCI6MTUwMDAwMDAwMH0.AAAA",
    ],
    ids=["legacy", "personal", "expired"],
)
def test_a_wrong_token_is_one_sentence(label_studio: LabelStudioServer, token: str) -> None:
    with pytest.raises(LabelStudioError, match=r"status 401\); set WORKBENCH_LABELSTUDIO_TOKEN"):
        Studio(label_studio.url, token).account()


@pytest.mark.parametrize("name", ["x", "long-" * 12 + "end"])
def test_a_site_of_any_name_gets_its_projects(studio: Studio, name: str) -> None:
    """Label Studio wants titles of 3 to 50 characters."""
    site = Site(name, ("clear", "truck"))
    taxonomy = replace(Taxonomy.of(site), timeline=site.class_names)
    made = studio.ensure_project(site, taxonomy, None), studio.ensure_timelines(site, taxonomy)
    assert made == (studio.ensure_project(site, taxonomy, None), studio.ensure_timelines(site, taxonomy))
    titles = [str(studio._client.projects.get(project_id).title) for project_id in made]
    assert all(name[:20] in title for title in titles)
    assert titles[1].endswith(" (clips)")


def test_no_token_is_one_sentence(label_studio: LabelStudioServer) -> None:
    with pytest.raises(LabelStudioError, match="run `workbench up`"):
        Studio(label_studio.url, "")


def test_a_server_that_is_down_is_one_sentence() -> None:
    with pytest.raises(LabelStudioError, match=r"refused; run `workbench up`, or set WORKBENCH_LABELSTUDIO_URL"):
        Studio(f"http://127.0.0.1:{free_port()}", "0" * 40).account()


def test_strangers_may_not_sign_up_and_the_server_serves_no_local_files(stranger: httpx.Client) -> None:
    page = stranger.get("/user/signup/")
    csrf = page.text.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    form = {"csrfmiddlewaretoken": csrf, "email": "stranger@site.invalid", "password": "Long-enough-77"}
    assert stranger.post("/user/signup/", data=form, headers={"Referer": str(page.url)}).status_code == 403
    assert stranger.get("/data/local-files/?d=etc/passwd").status_code in {401, 403, 404}
    assert stranger.get("/api/projects/").status_code == 401


def test_a_site_has_one_project_that_is_found_again(studio: Studio, labelled_site: Site, project_id: int) -> None:
    assert studio.ensure_project(labelled_site, Taxonomy.of(labelled_site), project_id) == project_id
    assert studio.ensure_project(labelled_site, Taxonomy.of(labelled_site), None) == project_id
    assert studio.ensure_project(labelled_site, Taxonomy.of(labelled_site), 10_000) == project_id
    assert studio.require_project(labelled_site, project_id) == project_id


def test_a_project_that_is_gone_is_one_sentence(studio: Studio, labelled_site: Site, project_id: int) -> None:
    other = Site("another-" + labelled_site.name, labelled_site.class_names)
    for site, known in ((labelled_site, None), (labelled_site, 10_000), (other, project_id)):
        with pytest.raises(LabelStudioError, match="run `workbench label push`"):
            studio.require_project(site, known)
    with pytest.raises(LabelStudioError, match="status 404"):
        studio.tasks(10_000)


def test_the_interface_follows_the_classes(studio: Studio, labelled_site: Site, project_id: int) -> None:
    more = Site(labelled_site.name, (*labelled_site.class_names, "spill"))
    assert studio.ensure_project(more, Taxonomy.of(more), project_id) == project_id
    studio.add_tasks(project_id, [task(1, Answer("spill", "Oil on the floor."))])
    assert studio.tasks(project_id)[f"{1:064x}"].annotations[0].class_name == "spill"


def test_tasks_come_back_with_what_models_and_people_said(studio: Studio, project_id: int) -> None:
    new = [task(1, prediction=guess(1, "base@1")), task(2, Answer("person", "A man.")), task(3)]
    task_ids = studio.add_tasks(project_id, new)
    found = studio.tasks(project_id)
    assert {frame_id: known.task_id for frame_id, known in found.items()} == dict(
        zip((one.frame_id for one in new), task_ids, strict=True)
    )
    assert found[new[0].frame_id].model_versions == {"base@1"}
    assert found[new[0].frame_id].image_url == new[0].image_url
    (annotation,) = found[new[1].frame_id].annotations
    assert (annotation.answer, annotation.labeller) == (Answer("person", "A man."), ADMINISTRATOR)
    assert annotation.updated_at.tzinfo is not None
    assert found[new[2].frame_id].annotations == ()
    assert [known.frame_id for known in studio.answered(project_id)] == [new[1].frame_id]


def test_a_newer_models_guesses_are_added_and_shown(studio: Studio, project_id: int) -> None:
    (task_id,) = studio.add_tasks(project_id, [task(1, prediction=guess(1, "base@1"))])
    studio.add_predictions(project_id, {task_id: guess(1, "base@1+adapter@2")})
    studio.show_predictions_of(project_id, "base@1+adapter@2")
    assert studio.tasks(project_id)[f"{1:064x}"].model_versions == {"base@1", "base@1+adapter@2"}


def test_image_urls_are_renewed_and_answers_kept(studio: Studio, project_id: int) -> None:
    task_ids = studio.add_tasks(project_id, [task(number, Answer("clear", "Empty.")) for number in range(5)])
    studio.renew_image_urls({task_ids[3]: (f"{3:064x}", "http://bench.invalid/new.jpg")})
    found = studio.tasks(project_id)
    assert found[f"{3:064x}"].image_url == "http://bench.invalid/new.jpg"
    assert found[f"{2:064x}"].image_url == "http://bench.invalid/2.jpg"
    assert all(len(known.annotations) == 1 for known in found.values())


def test_a_labeller_signs_up_once_and_answers_under_his_own_name(
    label_studio: LabelStudioServer, studio: Studio, project_id: int, labeller: tuple[str, str]
) -> None:
    email, token = labeller
    assert ensure_labeller(label_studio.url, studio.invitation_path(), email, PASSWORD) == token
    task_ids = studio.add_tasks(project_id, [task(number) for number in range(6)])
    steps: list[int] = []
    Studio(label_studio.url, token).create_annotations(
        {task_id: Answer("person", f"Person {task_id}.") for task_id in task_ids},
        progress=lambda done, total, what: steps.append(done),
    )
    said = [known.annotations for known in studio.tasks(project_id).values()]
    assert [[annotation.labeller for annotation in annotations] for annotations in said] == [[email]] * 6
    assert steps == [1, 2, 3, 4, 5, 6]
    with pytest.raises(LabelStudioError, match="both were refused"):
        ensure_labeller(label_studio.url, studio.invitation_path(), email, "another password")


def test_skipped_and_incomplete_answers_are_not_annotations(
    label_studio: LabelStudioServer, studio: Studio, project_id: int, stranger: httpx.Client
) -> None:
    skipped, incomplete = studio.add_tasks(project_id, [task(1), task(2)])
    legacy = {"Authorization": f"Token {label_studio.token}"}
    for task_id, body in ((skipped, {"result": [], "was_cancelled": True}), (incomplete, {"result": []})):
        stranger.post(f"/api/tasks/{task_id}/annotations/", headers=legacy, json=body).raise_for_status()
    found = studio.tasks(project_id)
    assert [known.annotations for known in found.values()] == [(), ()]
    assert [known.incomplete for known in found.values()] == [0, 1]


def test_many_tasks_are_read_in_pages(studio: Studio, project_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.labeling.task_list._PAGE_TASKS", 20)
    studio.add_tasks(project_id, [task(number, Answer("clear", f"No. {number}")) for number in range(50)])
    found = studio.tasks(project_id)
    captions = {annotation.caption for known in found.values() for annotation in known.annotations}
    assert captions == {f"No. {number}" for number in range(50)}


def test_a_task_made_by_hand_is_left_out(
    label_studio: LabelStudioServer, studio: Studio, project_id: int, stranger: httpx.Client
) -> None:
    legacy = {"Authorization": f"Token {label_studio.token}"}
    by_hand = {"data": {"image": "http://elsewhere.invalid/1.jpg"}}
    stranger.post(f"/api/projects/{project_id}/import", headers=legacy, json=[by_hand]).raise_for_status()
    assert studio.tasks(project_id) == {}


def test_the_servers_secrets_are_not_visible_to_other_users_of_the_machine(label_studio: LabelStudioServer) -> None:
    process = find_running("label-studio", label_studio.home / "data/run")
    assert process is not None
    assert label_studio.token not in Path(f"/proc/{process.pid}/cmdline").read_text()
    assert (label_studio.home / "data/local.env").stat().st_mode & 0o777 == 0o600
    assert Path(process.log_path).stat().st_mode & 0o077 == 0


def test_answers_to_either_of_two_tasks_about_one_frame_are_found(studio: Studio, project_id: int) -> None:
    first, _ = studio.add_tasks(project_id, [task(1), task(1, Answer("person", "A man."))])

    found = studio.tasks(project_id)[f"{1:064x}"]

    assert found.task_id == first
    assert [said.answer for said in found.annotations] == [Answer("person", "A man.")]


def test_the_models_of_a_task_are_known_however_many_they_are(studio: Studio, project_id: int) -> None:
    few, many = studio.add_tasks(project_id, [task(1, prediction=guess(1, "base@1")), task(2)])
    versions = [f"a-base-model-with-a-long-name@{number:012d}" for number in range(15)]
    for version in versions:
        studio.add_predictions(project_id, {many: guess(2, version)})

    found = {known.task_id: known.model_versions for known in studio.every_task(project_id)}

    assert found == {few: {"base@1"}, many: set(versions)}


def test_what_changed_is_told_by_the_servers_clock(studio: Studio, project_id: int) -> None:
    created, edited, emptied, left_alone = studio.add_tasks(
        project_id, [task(1), *(task(number, Answer("clear", "Empty.")) for number in range(2, 5))]
    )
    assert studio.count_answers(project_id) == 3
    while (since := studio.now(project_id)) and studio.answered(project_id, since):
        time.sleep(0.2)
    assert since is not None
    said = {known.task_id: known.annotations[0].annotation_id for known in studio.answered(project_id)}

    studio.create_annotations({created: Answer("person", "A man.")})
    studio._client.annotations.update(said[edited], result=answer_to_result(Answer("person", "Another.")))
    studio._client.annotations.delete(said[emptied])

    changed = {known.task_id: known.annotations[0].caption for known in studio.answered(project_id, since)}
    assert changed == {created: "A man.", edited: "Another."}
    assert studio.unanswered(project_id, since) == {emptied}
    assert studio.count_answers(project_id) == 3
    assert left_alone in said


def test_counting_the_answers_of_a_project_that_is_gone_is_one_sentence(studio: Studio) -> None:
    with pytest.raises(LabelStudioError):
        studio.count_answers(10_000)


def test_only_tasks_that_nobody_touched_are_removed(
    label_studio: LabelStudioServer, studio: Studio, project_id: int, stranger: httpx.Client
) -> None:
    empty = Answer("clear", "Empty.")
    new = [task(1), task(2), task(3), task(4), task(5), task(6, empty), task(7, empty)]
    untouched, answered, skipped, drafted, unnamed, as_made, corrected = studio.add_tasks(project_id, new)
    studio.create_annotations({answered: empty})
    (said,) = studio._client.annotations.list(corrected)
    studio._client.annotations.update(said.id, result=answer_to_result(Answer("person", "A man.")))
    legacy = {"Authorization": f"Token {label_studio.token}"}
    for path, body in (
        (f"{skipped}/annotations/", {"result": [], "was_cancelled": True}),
        (f"{drafted}/drafts", {"result": answer_to_result(Answer("person", "A m"))}),
    ):
        stranger.post(f"/api/tasks/{path}", headers=legacy, json=body).raise_for_status()

    studio.remove_untouched(project_id, [untouched, answered, skipped, drafted, as_made, corrected])

    left = {known.task_id for known in studio.every_task(project_id)}
    assert left == {answered, skipped, drafted, unnamed, corrected}


def test_what_may_be_done_twice_is_tried_again_until_somebody_answers(
    studio: Studio, project_id: int, label_studio: LabelStudioServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.labeling.connection._PAUSES_S", (0.0, 0.0))
    first, second = studio.add_tasks(project_id, [task(1), task(2)])
    fates = {
        ("POST", f"/api/tasks/{first}/annotations/"): [Fate.UNANSWERED, Fate.UNHEARD],
        ("PATCH", f"/api/tasks/{second}/"): [Fate.UNHEARD, Fate.UNANSWERED],
        ("GET", "/api/tasks/"): [Fate.UNANSWERED],
    }

    def fate(method: str, path: str) -> Fate:
        left = fates.get((method, path.partition("?")[0]), [])
        return left.pop(0) if left else Fate.ANSWERED

    with unsteady(label_studio.url, fate) as url:
        shaky = Studio(url, label_studio.token)
        shaky.create_annotations({first: Answer("person", "A man.")})
        shaky.renew_image_urls({second: (f"{2:064x}", "http://bench.invalid/new.jpg")})
        found = shaky.tasks(project_id)

    assert not any(fates.values())
    assert [said.caption for said in found[f"{1:064x}"].annotations] == ["A man."]
    assert found[f"{2:064x}"].image_url == "http://bench.invalid/new.jpg"


def test_a_request_that_nobody_answers_at_all_says_that_it_may_have_been_carried_out(
    studio: Studio, project_id: int, label_studio: LabelStudioServer
) -> None:
    never = unsteady(label_studio.url, lambda method, path: Fate.UNANSWERED)
    with never as url, pytest.raises(UnansweredError, match="run `workbench up`"):
        Studio(url, label_studio.token).add_tasks(project_id, [task(1)])
    assert len(studio.every_task(project_id)) == 1
