"""What is known about a run that asks to be promoted, read from what its stages logged.

Evaluation logs a report on the tuning run as ``test/rows``, ``test/<metric>`` with ``_low`` and ``_high`` beside it and
``test/camera/<camera>/<metric>``; the base's figures stand under ``base_test/``. The tags ``test.dataset_id`` and
``base_test.dataset_id`` tell which dataset version the figures belong to. ``golden/`` and ``base_golden/`` hold the
same of a golden set, whose id stands for the dataset version's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.domain import EvaluationReport, Interval, Split

__all__ = ["Evidence", "GoldenEvidence", "report_from_metrics"]

_LOW, _HIGH = "_low", "_high"


@dataclass(frozen=True)
class GoldenEvidence:
    """What is known of an adapter and its base on a golden set, whose id is ``set_id``.

    ``seen`` of the frames that the adapter was tuned on, or chosen by, are golden or show what a golden one shows.
    """

    set_id: str
    seen: int | None
    candidate: EvaluationReport | None
    base: EvaluationReport | None


@dataclass(frozen=True)
class Evidence:
    """None stands for what nobody measured or recorded.

    ``champion_version`` is the site's champion at the time (None: the site has none); ``champion`` is its report.
    ``golden`` is what came out on the site's golden set (None: it has none).
    """

    site: str
    run_id: str
    trained_on: str | None
    recipe_digest: str | None
    base_version: str | None
    candidate: EvaluationReport | None
    base: EvaluationReport | None
    champion_version: int | None
    champion: EvaluationReport | None
    golden: GoldenEvidence | None = None


def report_from_metrics(
    metrics: Mapping[str, float], prefix: str, *, model_version: str, dataset_id: str | None
) -> EvaluationReport | None:
    """Return the report logged under ``prefix`` (``test`` or ``base_test``), None when there is no whole one."""
    rows = metrics.get(f"{prefix}/rows")
    if rows is None or dataset_id is None:
        return None
    whole: dict[str, Interval] = {}
    by_camera: dict[str, dict[str, Interval]] = {}
    for name in _metric_names(metrics, prefix):
        interval = Interval(*(metrics[f"{prefix}/{name}{end}"] for end in ("", _LOW, _HIGH)))
        scope, _, metric = name.rpartition("/")
        (by_camera.setdefault(scope.removeprefix("camera/"), {}) if scope else whole)[metric] = interval
    return EvaluationReport(model_version, dataset_id, Split.TEST, int(rows), whole, by_camera)


def _metric_names(metrics: Mapping[str, float], prefix: str) -> list[str]:
    """Return the names under ``prefix`` that have both bounds beside them."""
    own = [name.removeprefix(f"{prefix}/") for name in metrics if name.startswith(f"{prefix}/")]
    return [name for name in own if {f"{prefix}/{name}{_LOW}", f"{prefix}/{name}{_HIGH}"} <= metrics.keys()]
