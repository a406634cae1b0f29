"""A model of the hub on a machine that cannot reach it: one sentence, soon, and nothing left behind."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation.conftest import base_dir, harbour
from workbench.recipe_file import load_recipe
from workbench.settings import embedded_path, quiet_environment
from workbench.workflows.workspace import Workspace

__all__ = ["base_dir", "harbour"]

RECIPE = embedded_path("recipes") / "smolvlm-500m-lora.yaml"
ASK = "from workbench.models.hub import needs_no_network as ask; print(ask({name!r}, revision='main'))"
NO_NETWORK = [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}, {"HF_ENDPOINT": "http://hub.invalid"}]


def run(network: dict[str, str], cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**quiet_environment(), "HF_HOME": str(cache), **network}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("network", NO_NETWORK, ids=["offline", "no answer", "no such host"])
def test_a_model_in_the_cache_needs_no_network_and_another_is_refused(network: dict[str, str], tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--someone--small" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("0123")
    cached = run(network, tmp_path, "-c", ASK.format(name="someone/small"))
    assert cached.stdout == "True\n", cached.stderr
    absent = run(network, tmp_path, "-c", ASK.format(name="someone/else"))
    assert "ModelError: Expected a model directory or a model that the hub gives out at someone/else" in absent.stderr


def test_a_recipe_for_a_hub_model_is_refused_in_one_sentence_and_leaves_nothing(
    harbour: Workspace, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    tuned = run(NO_NETWORK[1], cache, "-m", "workbench", "tune", str(RECIPE), "--site", "harbour")
    assert tuned.returncode == 1
    assert tuned.stderr == (
        "loading the base model: begun\n"
        f"Error: Expected a model directory or a model that the hub gives out at {load_recipe(RECIPE).base.model}, but "
        "found neither, nor a copy in this machine's cache; correct the path or name, or give this machine access to "
        "the hub.\n"
    )
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert not harbour.settings.adapters_dir.exists()
    assert [run.state for run in harbour.tracker.runs("harbour")] == ["FAILED"]
    assert harbour.store.audit.events() == []
