"""Where things are and how to reach them; the only module that reads the environment, and the only home of secrets.

Every value can be set as an environment variable ``WORKBENCH_<NAME>`` or in ``<home>/data/local.env``, which
``workbench up`` writes (mode 0600) when it makes tokens and keys.
"""

import hashlib
import os
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from workbench.errors import UsageError
from workbench.openmp import OPENMP

__all__ = ["NO_TELEMETRY", "Settings", "quiet_environment"]

NO_TELEMETRY = {
    "COLLECT_ANALYTICS": "false",
    "DO_NOT_TRACK": "true",
    "FRONTEND_SENTRY_DSN": "",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "LATEST_VERSION_CHECK": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "SENTRY_DSN": "",
}
"""Switches that keep every library and server of the workbench from calling home."""

_CREDENTIALS = re.compile(r"//[^@/]*@")
_TRAINING = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TOP_PAD_": "268435456",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    **OPENMP,
}


_Port = Annotated[int, Field(ge=0, le=65_535)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="WORKBENCH_", frozen=True, extra="ignore", allow_inf_nan=False, hide_input_in_errors=True
    )

    home: Path = Path()
    """Folder that holds ``data/`` and ``mlruns/``."""

    database_url: str = ""
    """SQLAlchemy URL; empty means SQLite at ``data/workbench.db``."""

    frames_url: str = ""
    """Where frames' pictures lie: a folder, or an fsspec URL such as ``s3://bucket/name`` (its keys come from the
    library's own variables, AWS_ACCESS_KEY_ID and so on); empty means the folder ``data/frames``."""

    base_model: str = ""
    """Directory or hub name of the base VLM; empty means the embedded one."""

    mlflow_tracking_uri: str = ""
    """Empty means SQLite at ``mlruns/mlflow.db`` with artifacts under ``mlruns/artifacts``."""

    mlflow_host: str = "127.0.0.1"
    mlflow_port: _Port = 5000

    labelstudio_url: str = "http://127.0.0.1:8080"
    labelstudio_token: SecretStr = SecretStr("")
    """A legacy token or a personal access token (JWT) of the account the workbench works with."""

    labelstudio_command: str = ""
    """The ``label-studio`` executable for ``workbench up``; empty means the one in ``.venv-labelstudio``."""

    labelstudio_password: SecretStr = SecretStr("")
    """Password of the administrator that ``workbench up`` makes in a Label Studio of its own."""

    fetch_every_s: float = Field(60.0, ge=0)
    """How often answers are fetched from Label Studio while the UI runs, beside what webhooks tell; 0 means never."""

    public_url: str = ""
    """Where labellers' browsers reach the workbench; empty means the UI's own address."""

    media_key: SecretStr = SecretStr("")
    """Key that signs the time-limited image URLs handed to Label Studio."""

    media_url_days: float = Field(30.0, gt=0, le=3_650)

    devices: str = ""
    """Devices for work that takes one whole, such as tuning, with commas between: GPUs as CUDA_VISIBLE_DEVICES names
    them (``0+1`` is one slot of two), or ``cpu``. Empty means each GPU, and without one the CPU."""

    ray_address: str = ""
    """Ray cluster of which this machine is a node, such as ``127.0.0.1:6379``; empty means there is none."""

    ray_min_frames: int = Field(1000, ge=0)
    """Frames from which on a batch (suggestions, evaluation, comparing pictures) is worth sending to that cluster."""

    sent_from: str = ""
    """``places`` of the workspace that sent this process to the cluster; empty where nobody did."""

    job: str = ""
    """Name of the job that this process works for, which its MLflow runs bear; set by whoever starts the job."""

    judge_key: SecretStr = SecretStr("")
    """Key of the endpoint that judges captions, where it wants one."""

    session_key: SecretStr = SecretStr("")
    """Key that signs the sign-in cookies of the UI."""

    secrets_key: SecretStr = SecretStr("")
    """Key that encrypts the addresses of streams, which hold passwords, in the database."""

    password: SecretStr = SecretStr("")
    """Password of the user that a command names, for scripts; people are asked for it."""

    ui_host: str = "127.0.0.1"
    ui_port: _Port = 7860

    @classmethod
    def load(cls, **values: object) -> "Settings":
        """Return the settings of ``home`` (an argument, ``WORKBENCH_HOME`` or the current folder), made absolute.

        Raises:
            UsageError: A value is none that its setting can have, or ``local.env`` cannot be read.
        """
        home = Path(str(values.pop("home", os.environ.get("WORKBENCH_HOME", ".")))).resolve()
        env_file = home / "data" / "local.env"
        try:
            settings = cls(_env_file=env_file, home=home, **values)  # type: ignore[arg-type]
        except ValidationError as exc:
            wrong = (f"WORKBENCH_{str(error['loc'][0]).upper()}: {error['msg']}" for error in exc.errors())
            raise UsageError(
                expected="settings that can be used", found="; ".join(wrong), remedy=f"correct them, or {env_file}"
            ) from exc
        except (OSError, UnicodeDecodeError) as exc:
            raise UsageError(
                expected=f"settings in UTF-8 in {env_file}",
                found=getattr(exc, "strerror", None) or "other bytes",
                remedy="make the file readable, or restore it from a backup: it holds the keys of what is encrypted",
            ) from exc
        if settings.sent_from not in ("", settings.places):
            raise UsageError(
                expected="the same database, MLflow and frames on every machine of the cluster",
                found="others on one of them",
                remedy=f"set their addresses in {settings.local_env_file}, which all machines read",
            )
        return settings

    @property
    def places(self) -> str:
        """SHA-256 of where the workspace's state lies, in hexadecimal; passwords are no part of it."""
        urls = (self.resolved_database_url, self.resolved_tracking_uri, self.resolved_frames_url)
        return hashlib.sha256("\n".join(_CREDENTIALS.sub("//", url) for url in urls).encode()).hexdigest()

    def environment(self) -> dict[str, str]:
        """Return what leads a process on another machine to the same settings; it refuses to work with others.

        Ray shows it to whoever looks, so that nothing secret is in it. What such a process does is part of no job.
        """
        own = {
            "PYTHONUNBUFFERED": "1",
            "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",  # for a command in the cluster's queue that uses the cluster itself
            "WORKBENCH_BASE_MODEL": self.base_model,
            "WORKBENCH_FRAMES_URL": self.frames_url,
            "WORKBENCH_HOME": str(self.home),
            "WORKBENCH_JOB": "",
            "WORKBENCH_RAY_ADDRESS": self.ray_address,
            "WORKBENCH_SENT_FROM": self.places,
        }
        return {**NO_TELEMETRY, **_TRAINING, **own}

    @property
    def data_dir(self) -> Path:
        return self.home / "data"

    @property
    def local_env_file(self) -> Path:
        return self.data_dir / "local.env"

    @property
    def frames_dir(self) -> Path:
        return self.data_dir / "frames"

    @property
    def datasets_dir(self) -> Path:
        return self.data_dir / "datasets"

    @property
    def adapters_dir(self) -> Path:
        return self.data_dir / "adapters"

    @property
    def checkpoints_dir(self) -> Path:
        """Where tuning runs that are not finished keep the states that they can go on from."""
        return self.data_dir / "checkpoints"

    @property
    def features_dir(self) -> Path:
        """What frozen vision towers saw; all of it can be computed again."""
        return self.data_dir / "features"

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def run_dir(self) -> Path:
        """Where the processes of servers are written down."""
        return self.data_dir / "run"

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'workbench.db'}"

    @property
    def resolved_frames_url(self) -> str:
        return self.frames_url if "://" in self.frames_url else str(self.home / (self.frames_url or self.frames_dir))

    @property
    def resolved_tracking_uri(self) -> str:
        return self.mlflow_tracking_uri or f"sqlite:///{self.home / 'mlruns' / 'mlflow.db'}"

    @property
    def artifacts_dir(self) -> Path:
        return self.home / "mlruns" / "artifacts"

    @property
    def mlflow_url(self) -> str:
        return f"http://{self.mlflow_host}:{self.mlflow_port}"

    @property
    def ui_url(self) -> str:
        return f"http://{self.ui_host}:{self.ui_port}"

    @property
    def resolved_public_url(self) -> str:
        return (self.public_url or self.ui_url).rstrip("/")

    @cached_property
    def resolved_base_model(self) -> str:
        return self.base_model or str(embedded_path("base-vlm"))

    @cached_property
    def dual_encoder_dir(self) -> Path:
        return embedded_path("base-clip")


def embedded_path(name: str) -> Path:
    """Return the path of something that ships with the workbench: ``base-vlm``, ``base-clip``, ``demo``, ``recipes``.

    In a clone it lies at the top level or under ``data/``, in an installed wheel inside the package.
    """
    package_dir = Path(__file__).resolve().parent
    in_clone = package_dir.parent / ("recipes" if name == "recipes" else f"data/{name}")
    return in_clone if in_clone.exists() else package_dir / "embedded" / name


def quiet_environment(*, training: bool = False) -> dict[str, str]:
    """Return an environment for a child process: no telemetry, and for training what a CPU needs to be quick.

    With glibc's defaults a training run spends most of its time in page faults of buffers freed and mapped again; of
    OpenMP see :mod:`workbench.openmp`.
    """
    return {**(_TRAINING if training else {}), **os.environ, **NO_TELEMETRY}
