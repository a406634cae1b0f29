"""The Tune tab: a form for every key of a recipe, what a preflight found, and the queue."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.conftest import SITE, App, PageOf
from workbench.domain import DatasetVersion, Job, JobState, Site, Split, utc_now
from workbench.recipe import Recipe
from workbench.recipe_file import load_any_recipe, load_recipe
from workbench.search_recipe import SearchRecipe
from workbench.settings import embedded_path
from workbench.ui import tune
from workbench.ui.preflight_view import preflight_view
from workbench.ui.recipe_fields import MOST_PARTS, RecipeFields
from workbench.workflows.jobs import cancel_job, start_job
from workbench.workflows.workspace import Workspace

RECIPES = sorted(embedded_path("recipes").glob("*.yaml"))
FIELDS = RecipeFields(Recipe)
WAITS = [sys.executable, "-c", "import time; time.sleep(600)"]


@pytest.fixture
def waiting(app: App) -> Iterator[list[Job]]:
    """A job that has the device and two that wait for it."""
    jobs = [start_job(app.workspace, "tune", WAITS, site=SITE, actor="ada") for _ in range(3)]
    yield jobs
    for job in reversed(jobs):
        if app.workspace.store.jobs.get(job.id).is_open:
            cancel_job(app.workspace, job.id, actor="ada")


@pytest.mark.parametrize(("kind", "fieldless"), [(Recipe, set()), (SearchRecipe, {"task", "data.class_prompts"})])
def test_every_key_of_a_recipe_has_a_field(kind: type[Recipe] | type[SearchRecipe], fieldless: set[str]) -> None:
    fields, filled = RecipeFields(kind), kind().flat()
    keys = [key for key in fields.keys(filled) if key is not None]
    expected = {key for key in filled if not (key.startswith("parts.") and key.endswith(".path"))}
    assert sorted(keys) == sorted(expected - fieldless)
    assert all(field.choices for field in fields.fields if field.kind == "choice")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_what_nobody_touched_is_left_to_the_file(path: Path) -> None:
    recipe = load_any_recipe(path)
    fields = RecipeFields(type(recipe))
    assert len(recipe.parts) <= MOST_PARTS
    assert fields.overrides(fields.values(recipe), recipe.flat()) == []


def test_what_is_changed_in_the_form_is_an_override(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("lora: {r: 4}\nbase: {revision: main}\n", encoding="utf-8")
    recipe = load_recipe(path)
    wanted = {
        "lora.r": 8.0,
        "training.learning_rate": 1e-5,
        "training.bf16": True,
        "base.system_prompt": 'Say "no": #1',
        "base.revision": "",
        "parts.connector.train": "frozen",
        "parts.text_model.learning_rate": 0.001,
    }
    values = FIELDS.values(recipe)
    for key, value in wanted.items():
        values[FIELDS.keys(recipe.flat()).index(key)] = value
    changed = load_recipe(path, FIELDS.overrides(values, recipe.flat())).flat()
    assert {key: changed[key] for key in wanted} == {**wanted, "base.revision": None}
    assert {key for key, value in changed.items() if value != recipe.flat()[key]} == wanted.keys()


def test_the_mask_shows_each_token_and_counts_those_that_repeat() -> None:
    tokens = [*[("<image>", False)] * 64, ("Ġwhat", False), ("<b>", True), ("<end>", True)]
    found = {
        "parts": [{"part": "text_model", "train": "lora", "parameters": 1000, "trainable": 25}],
        "masks": [
            {
                "instruction": "Which class?",
                "answer": "<b>",
                "tokens": [{"token": token, "learnt": learnt} for token, learnt in tokens],
            }
        ],
        "steps": 40,
        "train_frames": 204,
        "validation_frames": 68,
        "base_version": "base@1",
        "contract": {"template": "0123abcd", "system_prompt": ""},
        "estimate": {
            "step_s": 1.5,
            "total_s": 60.0,
            "memory_mib": 1024.0,
            "available_mib": 18_432.0,
            "device": "cpu",
        },
    }
    shown = preflight_view(found)
    assert "<span>&lt;image&gt; <b>× 64</b></span><span> what</span><mark>&lt;b&gt;</mark>" in shown
    assert "2 of 67 tokens are learnt" in shown
    assert "2.5%" in shown
    assert "<b>1.0 GiB</b><span>of memory, of 18.0 free on cpu</span>" in shown
    assert "0123abcd" in shown
    assert "GiB" not in preflight_view({**found, "estimate": None})
    assert ">It stops late.</p>" in preflight_view({**found, "notes": ["It stops late."]})


def test_of_a_dual_encoder_pairs_are_told_instead_of_tokens() -> None:
    found = {
        "parts": [{"part": "image_tower", "train": "frozen", "parameters": 1000, "trainable": 0}],
        "steps": 40,
        "train_frames": 204,
        "validation_frames": 68,
        "captions": 31,
        "captions_cut": 2,
        "near_copies": 12,
        "towers_seen_once": ["image_tower"],
        "base_version": "base-clip@1",
        "contract": {"digest": "0123abcd", "class_prompts": ["{}"]},
    }
    shown = preflight_view(found)
    assert "<b>31</b><span>different captions</span>" in shown
    assert "<b>image tower</b><span>computed once</span>" in shown
    assert "token by token" not in shown


def test_a_dataset_that_is_gone_takes_its_table_alone_from_the_tab(workspace: Workspace, yard: Site) -> None:
    version = DatasetVersion("f" * 64, yard.name, None, "nowhere", {Split.TRAIN: 8}, utc_now())
    workspace.store.datasets.add(version)
    shown = tune._dataset(workspace, yard.name)
    assert "no manifest that can be read" in shown
    assert "stills to train on" in shown


def test_a_check_tells_all_problems_of_form_and_text_together(page_of: PageOf) -> None:
    page = page_of("ada")
    recipe, _, filled, *values = page.endpoints["check_recipe"]
    assert "can be used as it is" in str(page.call("check_recipe", [recipe, "", filled, *values]))
    told = str(page.call("check_recipe", [recipe, "lora.rank=3\ntraining.seed=-1", filled, *values]))
    assert f"{recipe} cannot be used as it is" in told
    assert told.count("<li>") == 2
    assert "training.seed should be greater than or equal to 0" in told


def test_a_start_needs_a_dataset(page_of: PageOf, app: App) -> None:
    page = page_of("ada")
    _, priority, in_cluster, *chosen = page.endpoints["tune"]
    assert "build" in str(page.call("tune", [SITE, priority, in_cluster, *chosen]))
    assert app.workspace.store.jobs.queued() == []


def test_the_queue_is_seen_reordered_and_left_from_the_page(page_of: PageOf, app: App, waiting: list[Job]) -> None:
    page, jobs = page_of("ada"), app.workspace.store.jobs
    holder, early, late = waiting
    assert [job.state for job in waiting] == [JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
    shown = str(page.call("look_device_queue", [SITE]))
    assert shown.count("queued") == 2
    page.call("look_everywhere", [SITE])
    assert page.call("move_job", [late.id, 5]) == []
    assert [job.id for job in jobs.queued()] == [late.id, early.id]
    page.call("stop_job", [early.id])
    assert jobs.get(early.id).state is JobState.CANCELLED
    assert "a priority from -1000 to 1000" in str(page.call("move_job", [late.id, 1e20]))
    told = str(page.call("cancel_tune", [SITE]))
    assert jobs.get(holder.id).state is JobState.CANCELLED, "what waits hides nothing that runs"
    assert (jobs.get(late.id).state, f"job {late.id}" in told) == (JobState.RUNNING, True)
