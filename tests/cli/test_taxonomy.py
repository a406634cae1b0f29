"""``workbench taxonomy`` without Label Studio: a site about which nobody was asked yet."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from workbench.cli import app
from workbench.errors import UsageError
from workbench.settings import embedded_path

DEMO = str(embedded_path("demo") / "taxonomy.yaml")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "ada")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=True)


def test_what_show_prints_is_what_set_takes(home: Path) -> None:
    assert run("site", "add", "depot", "--taxonomy", DEMO).exit_code == 0
    shown = run("taxonomy", "show", "--site", "depot").stdout
    (home / "shown.yaml").write_text(shown)
    assert run("taxonomy", "set", str(home / "shown.yaml"), "--site", "depot").stdout == "Nothing changed.\n"
    same = json.loads(run("taxonomy", "check", DEMO, "--site", "depot", "--json").stdout)
    assert (same["changes"], same["in_use"]) == ([], [])


def test_a_change_is_told_before_it_is_made_and_names_who_made_it(home: Path) -> None:
    run("site", "add", "depot", "--classes", "clear,truck")
    file = home / "depot.yaml"
    file.write_text("classes: [{name: clear, definition: Empty}, {name: lorry}]\n")
    told = run("taxonomy", "check", str(file), "--site", "depot", "--rename", "truck=lorry").stdout
    assert told == "At depot:\n- class truck renamed lorry\n- definition of clear changed\n"
    assert run("taxonomy", "check", str(file)).stdout.strip().endswith("is a valid taxonomy.")
    done = run("taxonomy", "set", str(file), "--site", "depot", "--rename", "truck=lorry", "--json")
    assert json.loads(done.stdout)["changes"] == ["class truck renamed lorry", "definition of clear changed"]
    shown = json.loads(run("taxonomy", "show", "--site", "depot", "--json").stdout)
    assert [one["name"] for one in shown["taxonomy"]["classes"]] == ["clear", "lorry"]


def test_a_site_takes_either_classes_or_a_taxonomy_and_keeps_what_is_asked(home: Path) -> None:
    assert run("site", "add", "depot").exit_code == 2
    assert run("site", "add", "depot", "--classes", "a,b", "--taxonomy", DEMO).exit_code == 2
    run("site", "add", "depot", "--taxonomy", DEMO)
    other = home / "other.yaml"
    other.write_text((embedded_path("demo") / "taxonomy.yaml").read_text().replace("hotkey: c", "hotkey: x"))
    assert run("site", "add", "depot", "--taxonomy", DEMO).exit_code == 0
    refused = run("site", "add", "depot", "--taxonomy", str(other))
    assert isinstance(refused.exception, UsageError)
    assert "workbench taxonomy set FILE --site depot" in str(refused.exception)
