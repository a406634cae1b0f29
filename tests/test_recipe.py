"""Recipes are read once, completely, and tell all their problems together."""

import re
from pathlib import Path

import pytest
import yaml

from workbench.errors import RecipeError
from workbench.recipe import Recipe, recipe_schema
from workbench.recipe_file import explain_recipe, load_any_recipe, load_recipe

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
        ("data: {tasks: {class_choice: 0}}", "metric_for_best_model must be another"),
        ("parts: {text_model: {path: model.text_model, train: frozen}}", "at least one part"),
        ("training: {seed: 4294967296}", "less than 4294967296"),
        ("training: {num_train_epochs: .inf}", "a finite number"),
        ("data: {tasks: {caption: .nan}}", "a finite number"),
        ("parts: {}", "parts should have at least 1 item, not {}"),
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
