"""Habits of the command line: quick, documented, and one sentence for a mistake."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer

from workbench.cli import app

OF_MODELS = ("torch", "transformers", "peft", "bitsandbytes", "sklearn")
HEAVY = (*OF_MODELS, "mlflow", "gradio", "datasets", "label_studio_sdk", "av")


def run(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workbench", *arguments],
        env={"PATH": "/usr/bin:/bin", "WORKBENCH_HOME": str(home), **settings},
        capture_output=True,
        text=True,
        check=False,
    )


def commands(command: click.Command, path: str = "workbench") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_explains_itself(path: str) -> None:
    command = COMMANDS[path]
    assert command.help, path
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{path}: {parameter.name}"


@pytest.mark.parametrize(("module", "libraries"), [("workbench.cli", HEAVY), ("workbench.ui.server", OF_MODELS)])
def test_help_and_pages_wait_for_no_library_that_only_work_needs(module: str, libraries: tuple[str, ...]) -> None:
    probe = f"import sys, {module}; print([name for name in {libraries!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [
        ("evaluate",),
        ("tune", "recipes/demo.yaml"),
        ("sweep", "recipes/demo.yaml", "--try", "lora.r=2,4"),
        ("predict", "frame.jpg"),
        ("drift", "check"),
        ("model", "export", "out"),
        ("search", "find", "a truck"),
    ],
)
def test_a_site_that_is_not_there_is_told_before_any_library_loads(tmp_path: Path, command: tuple[str, ...]) -> None:
    asked = [sys.executable, "-X", "importtime", "-m", "workbench", *command, "--site", "nowhere"]
    told = subprocess.run(asked, env={"WORKBENCH_HOME": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert "a site named 'nowhere'" in told.stderr
    loaded = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "workbench.settings" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_site_and_camera_are_added_once(tmp_path: Path) -> None:
    for _ in range(2):
        assert run(tmp_path, "site", "add", "yard", "--classes", "clear, person").returncode == 0
        assert run(tmp_path, "camera", "add", "north", "--site", "yard").returncode == 0
    listed = json.loads(run(tmp_path, "site", "list", "--json").stdout)
    assert listed == [
        {
            "site": {"name": "yard", "class_names": ["clear", "person"]},
            "cameras": [{"site": "yard", "name": "north", "masks": [], "hides_faces": False}],
        }
    ]


def test_a_camera_hides_what_it_is_told_to(tmp_path: Path) -> None:
    run(tmp_path, "site", "add", "yard", "--classes", "clear,person")
    run(tmp_path, "camera", "add", "north", "--site", "yard")
    hidden = run(tmp_path, "camera", "hide", "north", "--site", "yard", "--area", "0,0 0.5,0 0.5,1", "--faces")
    assert "1 masks hide parts of north; 0 stills were covered." in hidden.stdout
    (camera,) = json.loads(run(tmp_path, "camera", "list", "--site", "yard", "--json").stdout)
    assert camera["masks"] == [{"outline_uv": [[0, 0], [0.5, 0], [0.5, 1]], "style": "black"}]
    assert camera["hides_faces"]
    wrong = run(tmp_path, "camera", "hide", "north", "--site", "yard", "--area", "left")
    assert (wrong.returncode, "expected corners such as" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (["site", "add", "yard", "--classes", "clear"], 2, "at least two different class names"),
        (["site", "add", "bad name", "--classes", "a,b"], 2, "rename the site"),
        (["camera", "add", "north", "--site", "nowhere"], 2, "workbench site add"),
        (["ingest", "missing.mp4", "--site", "nowhere", "--camera", "north"], 2, "workbench site add"),
        (["dataset", "build", "--site", "nowhere"], 2, "workbench site add"),
        (["evaluate", "--site", "nowhere"], 2, "workbench site add"),
        (["predict", "missing.jpg", "--site", "nowhere"], 2, "workbench site add"),
        (
            ["dataset", "golden", "freeze", "--site", "a", "--as", "rosa", "--clip", "a.mp4", "--version", "1a"],
            2,
            "leave out one",
        ),
        (["dataset", "build", "--site", "[/red] [bold]"], 2, "a site named '[/red] [bold]'"),
    ],
)
def test_mistake_is_one_sentence_and_no_traceback(
    tmp_path: Path, arguments: list[str], exit_code: int, sentence: str
) -> None:
    result = run(tmp_path, *arguments)
    assert result.returncode == exit_code, result.stderr
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("MLFLOW_PORT", "five", "WORKBENCH_MLFLOW_PORT: Input should be a valid integer"),
        ("UI_PORT", "70000", "WORKBENCH_UI_PORT: Input should be less than or equal to 65535"),
        ("MEDIA_URL_DAYS", "nan", "WORKBENCH_MEDIA_URL_DAYS: Input should be a finite number"),
        ("DATABASE_URL", "somewhere", "a database URL as sqlite:///PATH"),
        ("DATABASE_URL", "mysql://root:Secret@db/x", "a database URL as sqlite:///PATH"),
        ("LABELSTUDIO_TOKEN", "Schlüssel", "a token for the Label Studio at"),
        ("MLFLOW_TRACKING_URI", "http://127.0.0.1:9", "nobody there: the connection was refused"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    run(tmp_path, "site", "add", "yard", "--classes", "clear,person")
    command = ("label", "push") if name == "LABELSTUDIO_TOKEN" else ("evaluate",)
    result = run(tmp_path, *command, "--site", "yard", **{f"WORKBENCH_{name}": value})
    assert result.returncode in (1, 2)
    assert sentence in result.stderr
    assert "Secret" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr


def test_settings_in_a_file_that_is_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "local.env").write_bytes(b"WORKBENCH_UI_PORT=\xff\n")
    result = run(tmp_path, "site", "list")
    assert "Expected settings in UTF-8" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr


def test_what_is_shown_is_neither_wrapped_nor_read_as_markup(tmp_path: Path) -> None:
    recipe = tmp_path / f"{'x' * 90} [bold].yaml"
    recipe.write_text("base: {system_prompt: 'Say [qkvo].'}\n", encoding="utf-8")
    assert run(tmp_path, "recipe", "check", str(recipe)).stdout.startswith(f"{recipe} is a valid recipe")
    assert "Say [qkvo]." in run(tmp_path, "recipe", "explain", str(recipe)).stdout
