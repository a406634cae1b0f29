"""Recipes are read once, completely, and tell all their problems together."""

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from workbench.cli import app
from workbench.errors import RecipeError
from workbench.recipe import Recipe, recipe_schema
from workbench.recipe_file import explain_recipe, load_any_recipe, load_recipe, load_search_recipe
from workbench.recipe_needs import leftovers

RECIPES = sorted((Path(__file__).parent.parent / "recipes").glob("*.yaml"))


@pytest.fixture
def write(tmp_path: Path):
    def write_recipe(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_recipe


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_loads_and_tells_its_command_first(path: Path) -> None:
    load_any_recipe(path)
    head = path.read_text(encoding="utf-8").split("\n\n")[0]
    assert f"workbench tune recipes/{path.name} --site" in head


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_choice_of_a_shipped_recipe_is_explained_at_its_line(path: Path) -> None:
    choices = re.findall(r"^ +(\w+): +([^#\n]+)(#.*)?$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert [name for name, _, why in choices if not why and name not in {"path", "train"}] == []
    assert len(choices) > 20


def test_all_problems_are_told_at_once_with_the_nearest_key(write) -> None:
    path = write("training: {lerning_rate: 1e-4, max_steps: fast}\nlora: {r: 0}\nsead: 3\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    told = str(caught.value)
    assert "4 problems" in told
    assert "training.lerning_rate is not a key (did you mean training.learning_rate?)" in told
    assert "training.max_steps should be" in told
    assert "lora.r should be greater than 0, not 0" in told
    assert "sead is not a key (did you mean training.seed?)" in told
    assert str(path) in told


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "an empty file"),
        ("- lora\n", "a list"),
        ("training: [", "line 1, column 12"),
        ("data: {tasks: {caption: 0, class_choice: 0}}", "at least one task"),
        ("parts: {text_model: {path: model.text_model, train: frozen}}", "at least one part"),
        ("training: {seed: 4294967296}", "less than 4294967296"),
        ("training: {num_train_epochs: .inf}", "a finite number"),
        ("data: {tasks: {caption: .nan}}", "a finite number"),
        ("parts: {}", "parts: at least one part must be trained"),
        ("parts: {'a/b c': {path: lm_head}}", "parts: names of up to 50 letters, digits, - and _, not 'a/b c'"),
        (f"parts: {{{'a' * 300}: {{path: lm_head}}}}", "parts: names of up to 50 letters"),
        ("parts: {1: {path: lm_head}}", r"parts\.1 should be a text, not 1"),
        ("parts: {a: {path: lm_head, target_modules: '('}}", r"a regular expression, not '\(' \(missing \)"),
        ("parts: {a: {path: lm_head, target_modules: '(?i)q'}}", r"a regular expression, not '\(\?i\)q' \(global"),
        ("base: {model: ''}", r"base\.model should have at least 1 character, not ''"),
        ("lora: {r: 100000000000000000000}", "r should be less than or equal to 4096"),
        ("lora: {lora_alpha: 1e308}", "lora_alpha should be less than or equal to 65536"),
        ("training: {per_device_train_batch_size: 1000000}", "size should be less than or equal to 4096"),
        ("data: {replay: {frames: 1000000000}}", "frames should be less than or equal to 100000"),
        ("training: {num_train_epochs: 1e308}", "epochs should be less than or equal to 1000000"),
        ("training: {dataloader_num_workers: 10000}", "workers should be less than or equal to 256"),
        ("export: {tolerance: 1}", "tolerance should be less than 1"),
        ("training: fast", "training should be keys with values, not 'fast'"),
        ("lora: {r: \0}", r"the character U\+0000, which YAML forbids, in place 11"),
        ("lora: {r: 1}\nlora: {r: 2}", "'lora' for the second time in line 2"),
        ("lora:\n  r: 1\n  lora_alpha: 2\n  r: 1\n", "'r' for the second time in line 4"),
        ("? [lora]\n: 1\n", "a key that is no text in line 1"),
        ("training: {learning_rate: true}", "learning_rate should be a valid number, not True"),
        ("training: {learning_rate: '1e-4'}", "learning_rate should be a valid number, not '1e-4'"),
        ("training: {bf16: 1}", "bf16 should be a valid boolean, not 1"),
        ("lora: {r: yes}", "r should be a valid integer, not True"),
        ("lora: {r: 8.0}", "r should be a valid integer, not 8.0"),
        ("data: {class_balance: true}", "class_balance should be a valid number"),
        ("training: {warmup_steps: true}", "warmup_steps should be a valid number"),
        ("training: {warmup_steps: 1.9}", "a whole number of steps, or a share below 1, not 1.9"),
        ("training: {max_steps: 1:30}", "max_steps should be a valid integer, not '1:30'"),
        ("training: {max_steps: 0}", "at least one step, or -1 to go by num_train_epochs"),
        ("training: {seed: 010}", "seed should be a valid integer, not '010'"),
        ("training: {seed: 0x10}", "seed should be a valid integer, not '0x10'"),
        ("[" * 3000, "too deep"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_in_one_sentence(write, text: str, found: str) -> None:
    with pytest.raises(RecipeError, match=found) as caught:
        load_recipe(write(text))
    assert "\n" not in str(caught.value)


FULL = "parts: {connector: {path: model.connector, train: full}}\n"
SEARCH = "task: search\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("data: {tasks: {class_choice: 0}}", "training.metric_for_best_model needs data.tasks.class_choice"),
        ("base: {revision: main}", "base.revision needs a model of the hub as base.model"),
        (f"{SEARCH}base: {{revision: main}}", "base.revision needs a model of the hub as base.model"),
        (f"{SEARCH}data: {{tasks: {{caption: 0}}}}", "training.metric_for_best_model needs data.tasks.caption"),
        (
            f"{SEARCH}data: {{tasks: {{class_choice: 0}}}}\ntraining: {{metric_for_best_model: class_accuracy}}",
            "training.metric_for_best_model needs data.tasks.class_choice",
        ),
    ],
)
def test_a_metric_or_revision_without_an_effect_is_refused_in_a_new_run_alone(write, text: str, told: str) -> None:
    path = write(text)
    with pytest.raises(RecipeError, match=re.escape(told)):
        load_any_recipe(path)
    (load_search_recipe if SEARCH in text else load_recipe)(path)


@pytest.mark.parametrize(
    ("text", "keys", "need"),
    [
        (f"{FULL}lora: {{use_dora: true, r: 8}}", ["lora.r", "lora.use_dora"], "a part with train: lora"),
        (
            "data: {tasks: {class_choice: 0}}\ntraining: {focal_gamma: 2, metric_for_best_model: loss}",
            ["training.focal_gamma"],
            "data.tasks.class_choice above 0",
        ),
        ("data: {augmentation: {views: 4}}", ["data.augmentation.views"], "brightness, contrast, saturation or crop"),
        ("data: {replay: {frames: 9}}", ["data.replay.frames"], "data.replay.share above 0"),
        ("training: {save_steps: 0, save_total_limit: 3}", ["training.save_total_limit"], "training.save_steps above"),
        ("scaling: {strategy: fsdp, max_failures: 1}", ["scaling.strategy", "scaling.max_failures"], "launcher: ray"),
    ],
)
def test_a_key_that_another_leaves_without_effect_is_told(write, text: str, keys: list[str], need: str) -> None:
    told = leftovers(load_any_recipe(write(text)))
    assert sorted(told) == sorted(keys)
    assert all(f"{key} has no effect: it needs {need}" in told[key] for key in keys)


def test_what_another_key_left_over_is_told_and_let_be() -> None:
    path, part = RECIPES[0].with_name("demo.yaml"), "parts.vision_model"
    assert leftovers(load_any_recipe(path)) == {}
    frozen = load_any_recipe(path, [f"{part}.train=frozen", "training.num_train_epochs=3"])
    assert leftovers(frozen) == {
        f"{part}.target_modules": f"{part}.target_modules has no effect, as the part is frozen.",
        f"{part}.learning_rate": f"{part}.learning_rate has no effect, as the part is frozen.",
        "training.num_train_epochs": "training.num_train_epochs has no effect, as training.max_steps decides.",
    }
    assert list(leftovers(load_any_recipe(path, [f"{part}.train=full"]))) == [f"{part}.target_modules"]
    printed = CliRunner().invoke(app, ["recipe", "check", str(path), "--set", f"{part}.train=full"])
    assert f"{part}.target_modules has no effect, as the part is full." in printed.stdout


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_passes_its_check(path: Path) -> None:
    printed = CliRunner().invoke(app, ["recipe", "check", str(path), "--json"], catch_exceptions=False)
    assert json.loads(printed.stdout)["notes"] == []


def test_a_shipped_recipe_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = load_recipe(Path("recipes/demo.yaml"))
    monkeypatch.chdir(tmp_path)
    assert load_recipe(Path("recipes/demo.yaml")) == shipped
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "demo.yaml").write_text("lora: {r: 3}\n", encoding="utf-8")
    assert load_recipe(Path("recipes/demo.yaml")).lora.r == 3


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="No such file"):
        load_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("override", ["training.learning_rate", "=3", "training..seed=3"])
def test_an_override_needs_key_and_value(write, override: str) -> None:
    with pytest.raises(RecipeError, match="an override such as"):
        load_recipe(write("lora: {r: 4}"), [override])


def test_overrides_win_and_are_checked_like_the_file(write) -> None:
    path = write("training: {learning_rate: 1e-3}\n")
    recipe = load_recipe(path, ["training.learning_rate=1e-4", "lora.r=2", "parts.text_model.train=frozen"])
    assert (recipe.training.learning_rate, recipe.lora.r) == (1e-4, 2)
    assert (recipe.parts["text_model"].train, recipe.parts["vision_model"].train) == ("frozen", "lora")
    assert load_recipe(path, ["base.revision=2026-01-02"]).base.revision == "2026-01-02"
    with pytest.raises(RecipeError, match=r"did you mean lora\.r"):
        load_recipe(path, ["lora.rank=2"])


def test_explain_tells_who_chose_each_value(write) -> None:
    values = explain_recipe(write("training: {learning_rate: 1e-3, seed: 1}\n"), ["training.seed=2"])
    origins = {value.key: value.origin for value in values}
    assert origins["training.seed"] == "override"
    assert origins["training.learning_rate"] == "file"
    assert origins["training.max_steps"] == "default"
    assert origins.keys() == Recipe().flat().keys()


def test_the_digest_is_that_of_the_choices_and_not_of_their_spelling(write) -> None:
    default = Recipe()
    assert load_recipe(write("training: {seed: 0}")).digest == default.digest
    assert load_recipe(write("training: {seed: 1}")).digest != default.digest


def test_a_resolved_recipe_loads_to_an_equal_value(write) -> None:
    recipe = load_recipe(
        write("lora: {r: 3}\ntraining: {learning_rate: 1e-5}\nbase: {system_prompt: 'Sei genau: ja?'}")
    )
    assert load_recipe(write(recipe.to_yaml())) == recipe


@pytest.mark.parametrize("text", ["1e-4", "010", "1:30", "2026-01-02", "yes", "null", ".inf", "-7"])
def test_a_text_that_looks_like_something_else_is_kept(write, text: str) -> None:
    recipe = load_recipe(write(f"base: {{system_prompt: '{text}'}}"))
    assert load_recipe(write(recipe.to_yaml())).base.system_prompt == text


@pytest.mark.parametrize("value", ["[" * 5000, "x" * 5000, f"[{'[1, 2, 3, 4, 5, 6, 7, 8, 9],' * 99}]"])
def test_a_value_that_is_long_or_deep_is_quoted_in_short(write, value: str) -> None:
    with pytest.raises(RecipeError, match=r"lora\.r should be a valid integer") as caught:
        load_recipe(write("lora: {r: 4}"), [f"lora.r={value}"])
    assert len(str(caught.value)) < 500


def test_aliases_that_grow_are_quoted_in_short(write) -> None:
    layers = [f"b{n + 1}: &b{n + 1} [{', '.join([f'*b{n}'] * 9)}]" for n in range(8)]
    with pytest.raises(RecipeError, match="10 problems") as caught:
        load_recipe(write("\n".join(["b0: &b0 [1, 2]", *layers, "lora: {r: *b8}"])))
    assert len(str(caught.value)) < 2000


def test_the_schema_describes_every_key() -> None:
    schema = recipe_schema()
    sections = [schema["properties"], *(definition["properties"] for definition in schema["$defs"].values())]
    names = {name for section in sections for name in section}
    assert {key.rpartition(".")[2] for key in Recipe().flat()} <= names
    assert yaml.safe_dump(schema)
