from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from workbench.errors import LabelStudioError
from workbench.labeling.server import ADMINISTRATOR, LocalServer, find_executable, is_loopback

SERVER = LocalServer(url="http://127.0.0.1:8123", data_dir=Path("/data/ls"), token="t" * 40, password="secret")


def test_the_server_listens_on_loopback_alone() -> None:
    argv = SERVER.argv(Path("/bin/label-studio"))
    assert argv[0] == "/bin/label-studio"
    assert argv[argv.index("--internal-host") + 1] == "127.0.0.1"
    assert argv[argv.index("--port") + 1] == "8123"


def test_secrets_are_not_on_the_command_line() -> None:
    assert not {SERVER.token, SERVER.password} & set(SERVER.argv(Path("/bin/label-studio")))


def test_every_setting_is_explicit_whatever_was_inherited() -> None:
    environment = SERVER.environment({"HOST": "elsewhere", "LABEL_STUDIO_COLLECT_ANALYTICS": "true", "PATH": "/bin"})
    expected = {
        "LABEL_STUDIO_BASE_DATA_DIR": "/data/ls",
        "LABEL_STUDIO_COLLECT_ANALYTICS": "false",
        "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
        "LABEL_STUDIO_HOST": "",
        "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "false",
        "LABEL_STUDIO_SENTRY_DSN": "",
        "LABEL_STUDIO_SSRF_PROTECTION_ENABLED": "true",
        "LABEL_STUDIO_USERNAME": ADMINISTRATOR,
        "PATH": "/bin",
    }
    assert environment.items() >= expected.items()


def test_the_workbenchs_own_address_alone_is_let_through() -> None:
    environment = replace(SERVER, workbench_address="10.1.2.3").environment({})
    assert environment["LABEL_STUDIO_USE_DEFAULT_BANNED_SUBNETS"] == "false"
    banned = [ip_network(subnet) for subnet in environment["LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS"].split(",")]
    addresses = ["10.1.2.3", "10.1.2.2", "10.1.2.4", "127.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "fe80::1"]
    assert [any(ip_address(one) in subnet for subnet in banned) for one in addresses] == [False] + [True] * 7


@pytest.mark.parametrize("address", ["", "127.0.0.1", "0.0.0.0", "::1", "8.8.8.8"])  # noqa: S104
def test_nothing_is_opened_that_everything_shares_or_that_is_open(address: str) -> None:
    environment = replace(SERVER, workbench_address=address).environment({})
    assert not [name for name in environment if "SUBNETS" in name]


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("http://[::1]:8080", True),
        ("https://labels.example.org", False),
        ("http://192.168.0.7:8080", False),
    ],
)
def test_loopback_is_told_from_other_machines(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_the_nearest_virtual_environment_is_used(tmp_path: Path) -> None:
    executable = tmp_path / "clone/.venv-labelstudio/bin/label-studio"
    executable.parent.mkdir(parents=True)
    executable.touch(mode=0o755)
    assert find_executable("", [tmp_path / "home", tmp_path / "clone"]) == executable
    assert find_executable(str(executable), []) == executable


def test_a_missing_server_is_told_with_the_way_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(LabelStudioError, match="pip install label-studio==1"):
        find_executable(str(tmp_path / "label-studio"), [])
