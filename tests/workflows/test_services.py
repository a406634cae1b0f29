"""Starting, finding and stopping the real servers, and the doctor."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr

from tests.services import LabelStudioServer, free_port
from workbench import processes
from workbench.domain import Role, User
from workbench.errors import LabelStudioError, ServiceError, UsageError
from workbench.settings import NO_TELEMETRY, Settings
from workbench.tracking.journal import Journal, Opening
from workbench.workflows import services
from workbench.workflows.services import ServiceState
from workbench.workflows.workspace import Workspace


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose servers would listen on free ports."""
    workspace = Workspace.open(
        Settings.load(
            home=tmp_path / "home",
            labelstudio_url=f"http://127.0.0.1:{free_port()}",
            mlflow_port=free_port(),
            ui_port=free_port(),
        )
    )
    yield workspace
    services.down(workspace)
    workspace.store.close()


def with_settings(workspace: Workspace, **values: object) -> Workspace:
    return replace(workspace, settings=workspace.settings.model_copy(update=values))


def outcomes(workspace: Workspace) -> dict[str, services.Check]:
    return {check.name: check for check in services.doctor(workspace)}


def test_keys_are_made_once_and_kept_from_others(bench: Workspace) -> None:
    settings = services.with_keys(bench).settings
    path = settings.local_env_file
    written = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert services.with_keys(bench).settings == settings
    again = Settings.load(home=settings.home)
    for name in ("labelstudio_token", "labelstudio_password", "media_key", "session_key"):
        secret = getattr(settings, name).get_secret_value()
        assert len(secret) >= 24
        assert getattr(again, name).get_secret_value() == secret
    assert path.read_text() == written


def test_no_token_is_made_for_a_label_studio_elsewhere(bench: Workspace) -> None:
    away = services.with_keys(with_settings(bench, labelstudio_url="https://labels.invalid"))
    assert away.settings.media_key.get_secret_value()
    assert not away.settings.labelstudio_token.get_secret_value()
    assert "LABELSTUDIO" not in away.settings.local_env_file.read_text()


def test_mlflow_runs_quietly_on_loopback_until_it_is_taken_down(bench: Workspace) -> None:
    (service,) = services.up(bench, only={"mlflow"})
    assert (service.name, service.state, service.url) == ("mlflow", ServiceState.STARTED, bench.settings.mlflow_url)
    assert httpx.get(f"{service.url}/health").text == "OK"
    assert httpx.get(service.url, headers={"Host": "attacker.example"}).status_code == 403
    process = processes.find_running("mlflow", bench.settings.data_dir / "run")
    assert process is not None
    environment = processes.environment_of(process)
    assert environment.items() >= {**NO_TELEMETRY, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}.items()
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    listening = {entry.laddr.ip for one in family for entry in one.net_connections("inet") if entry.status == "LISTEN"}
    assert listening == {"127.0.0.1"}

    (again,) = services.up(bench, only={"mlflow"})
    assert (again.state, again.pid) == (ServiceState.RUNNING, service.pid)
    checks = outcomes(bench)
    assert checks["MLflow"].ok
    assert checks["telemetry"].explanation == "off in the 1 servers that run and in every job"

    assert services.down(bench) == ["mlflow"]
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family)
    assert services.down(bench) == []


def test_a_port_that_another_program_holds_is_one_sentence_and_nothing_is_started(bench: Workspace) -> None:
    with (
        socket.create_server(("127.0.0.1", bench.settings.ui_port)),
        pytest.raises(ServiceError, match=r"to be free for ui, .* or set WORKBENCH_UI_PORT"),
    ):
        services.start(bench, only={"mlflow", "ui"})
    assert processes.find_running("mlflow", bench.settings.data_dir / "run") is None


def test_servers_that_run_elsewhere_are_not_started(bench: Workspace) -> None:
    away = with_settings(bench, labelstudio_url="https://labels.invalid", mlflow_tracking_uri="https://mlflow.invalid")
    found = services.up(away, only={"label-studio", "mlflow"})
    assert [(service.url, service.state, service.pid) for service in found] == [
        ("https://labels.invalid", ServiceState.ELSEWHERE, None),
        ("https://mlflow.invalid", ServiceState.ELSEWHERE, None),
    ]


def test_a_running_label_studio_that_accepts_the_token_is_used_and_left_alone(
    bench: Workspace, label_studio: LabelStudioServer
) -> None:
    values = {"labelstudio_url": label_studio.url, "labelstudio_token": SecretStr(label_studio.token)}
    theirs = with_settings(bench, **values)
    with services.started(theirs, only={"label-studio"}) as starting:
        (service,) = starting.wait()
    assert service.state is ServiceState.ELSEWHERE
    assert httpx.get(f"{label_studio.url}/health").is_success
    stranger = with_settings(bench, labelstudio_url=label_studio.url)
    with pytest.raises(ServiceError, match="WORKBENCH_LABELSTUDIO_URL"):
        services.up(stranger, only={"label-studio"})


def test_a_server_that_is_not_installed_is_told_before_anything_is_started(bench: Workspace) -> None:
    without = with_settings(bench, labelstudio_command="/nowhere/label-studio")
    with pytest.raises(LabelStudioError, match="pip install label-studio"):
        services.start(without)
    assert processes.find_running("mlflow", bench.settings.data_dir / "run") is None


def test_an_unknown_server_is_refused(bench: Workspace) -> None:
    with pytest.raises(UsageError, match="label-studio, mlflow, ui, but found labelstudio"):
        services.start(bench, only={"labelstudio"})


def test_the_doctor_says_what_to_do_about_a_bare_workspace(bench: Workspace) -> None:
    checks = outcomes(with_settings(bench, base_model="./nowhere"))
    assert [name for name, check in checks.items() if check.ok] == [
        "python",
        "database",
        "frames",
        "free disk",
        "tracked runs",
        "telemetry",
    ]
    for name, remedy in {
        "base model": "WORKBENCH_BASE_MODEL",
        "Label Studio": "run `workbench up`",
        "image links": "run `workbench up`",
        "MLflow": "run `workbench up`",
        "UI": "run `workbench up`",
        "roles": "workbench user add NAME --role engineer",
    }.items():
        assert remedy in checks[name].explanation


def test_the_doctor_finds_a_good_workspace_good(label_studio_workspace: Workspace) -> None:
    users = label_studio_workspace.store.users
    users.add(User("erin", frozenset({Role.ENGINEER})), "hash")
    users.add(User("rena", frozenset({Role.REVIEWER})), "hash")
    checks = outcomes(label_studio_workspace)
    assert {name for name, check in checks.items() if not check.ok} <= {"MLflow", "UI"}
    assert "accepts the token of" in checks["Label Studio"].explanation


def test_the_doctor_tells_of_runs_that_mlflow_has_yet_to_hear_of(bench: Workspace) -> None:
    left = bench.settings.home / "mlruns" / "undelivered"
    Journal.begin(left, Opening("f" * 32, "http://elsewhere:5000", ends_run=True)).close(remove=False)
    told = outcomes(bench)["tracked runs"]
    assert (told.ok, "1 run of which it has yet to hear" in told.explanation) == (False, True)


def test_the_doctor_finds_a_wrong_token(label_studio_workspace: Workspace) -> None:
    wrong = with_settings(label_studio_workspace, labelstudio_token=SecretStr("0" * 40))
    check = outcomes(wrong)["Label Studio"]
    assert not check.ok
    assert "WORKBENCH_LABELSTUDIO_TOKEN" in check.explanation


def test_the_doctor_warns_when_labellers_elsewhere_cannot_reach_the_images(bench: Workspace) -> None:
    check = outcomes(with_settings(bench, labelstudio_url="https://labels.invalid"))["image links"]
    assert not check.ok
    assert "WORKBENCH_PUBLIC_URL" in check.explanation


def test_the_doctor_finds_a_folder_that_cannot_be_written(bench: Workspace) -> None:
    bench.settings.frames_dir.parent.mkdir(parents=True, exist_ok=True)
    bench.settings.frames_dir.touch()
    check = outcomes(bench)["frames"]
    assert not check.ok
    assert "found Not a directory; free some space, correct the folder's permissions" in check.explanation
