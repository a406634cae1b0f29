"""The written conditions of promotion, each a pure function from evidence to a verdict that a reviewer can read.

Missing evidence is ``no-evidence`` and never a pass. A reviewer may override conditions that are not met, with a reason
that the audit trail keeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.domain import EvaluationReport, Gate, Verdict
from workbench.promotion.evidence import Evidence

__all__ = ["Conditions", "judge", "unmet"]

ACCURACY, MACRO_F1 = "class_accuracy", "macro_f1"
_NO_GOLDEN_SET = "The site has no golden set yet."


@dataclass(frozen=True)
class Conditions:
    """The figures behind the conditions; accuracies and losses of accuracy are shares of 1."""

    min_test_rows: int = 20
    max_camera_loss: float = 0.05
    max_champion_loss: float = 0.02


def judge(evidence: Evidence, conditions: Conditions | None = None) -> tuple[Gate, ...]:
    """Return every condition with its verdict, in the order in which a reviewer should read them."""
    conditions = conditions or Conditions()
    return (
        _lineage(evidence),
        _same_data(evidence),
        _enough_rows(evidence, conditions),
        _beats_base(evidence),
        _macro_f1(evidence),
        _every_camera(evidence, conditions),
        _champion(evidence, conditions),
        _never_seen(evidence),
        _golden(evidence),
    )


def unmet(gates: Sequence[Gate]) -> tuple[Gate, ...]:
    return tuple(gate for gate in gates if gate.verdict is not Verdict.PASS)


def _lineage(evidence: Evidence) -> Gate:
    name = "It is recorded what the adapter was made from"
    parts = {
        "the dataset version": evidence.trained_on,
        "the recipe": evidence.recipe_digest,
        "the base model's version": evidence.base_version,
    }
    if missing := [what for what, value in parts.items() if not value]:
        return Gate(name, Verdict.NO_EVIDENCE, f"The run does not record {', '.join(missing)}; tune again.")
    told = "; ".join(f"{what} is {(value or '')[:24]}" for what, value in parts.items())
    return Gate(name, Verdict.PASS, f"{told[0].upper()}{told[1:]}.")


def _same_data(evidence: Evidence) -> Gate:
    name = "Adapter and base were measured on held-out frames of the dataset that the adapter was tuned on"
    measured = _measured(evidence)
    if measured is None or evidence.trained_on is None:
        return _unmeasured(name, evidence)
    dataset_ids = {report.dataset_id for report in measured}
    told = " and ".join(sorted(dataset_id[:12] for dataset_id in dataset_ids))
    told = f"Tuned on dataset version {evidence.trained_on[:12]}, measured on {told}."
    return _judged(name, dataset_ids == {evidence.trained_on}, told)


def _enough_rows(evidence: Evidence, conditions: Conditions) -> Gate:
    name = f"At least {conditions.min_test_rows} held-out frames were judged"
    if evidence.candidate is None:
        return _unmeasured(name, evidence)
    rows = evidence.candidate.rows
    return _judged(name, rows >= conditions.min_test_rows, f"{rows} frames were judged.")


def _beats_base(evidence: Evidence) -> Gate:
    name = "The adapter chooses the right class clearly more often than the base model"
    measured = _measured(evidence, ACCURACY)
    if measured is None:
        return _unmeasured(name, evidence)
    adapted, base = (report.metrics[ACCURACY] for report in measured)
    told = (
        f"The adapter is right in {adapted.value:.1%} of the frames (at least {adapted.low:.1%} with 95 % confidence), "
        f"the base in {base.value:.1%}."
    )
    return _judged(name, adapted.low > base.value, told)


def _macro_f1(evidence: Evidence) -> Gate:
    name = "Averaged over the classes, the adapter is no worse than the base model"
    measured = _measured(evidence, MACRO_F1)
    if measured is None:
        return _unmeasured(name, evidence)
    adapted, base = (report.metrics[MACRO_F1].value for report in measured)
    return _judged(name, adapted >= base, f"Macro-F1 is {adapted:.3f} with the adapter and {base:.3f} with the base.")


def _every_camera(evidence: Evidence, conditions: Conditions) -> Gate:
    name = f"No camera loses more than {conditions.max_camera_loss:.0%} of right answers against the base model"
    measured = _measured(evidence)
    if measured is None:
        return _unmeasured(name, evidence)
    adapted, base = (_accuracy_by_camera(report) for report in measured)
    if not adapted or (missing := sorted(adapted.keys() ^ base.keys())):
        told = f"Adapter and base were not both measured on {', '.join(missing) if adapted else 'each camera'}."
        return Gate(name, Verdict.NO_EVIDENCE, told)
    told = ", ".join(f"{camera} {base[camera]:.1%} → {adapted[camera]:.1%}" for camera in sorted(adapted))
    kept = all(adapted[camera] >= base[camera] - conditions.max_camera_loss for camera in adapted)
    return _judged(name, kept, f"From base to adapter: {told}.")


def _champion(evidence: Evidence, conditions: Conditions) -> Gate:
    name = f"The adapter loses at most {conditions.max_champion_loss:.0%} of right answers against the champion"
    version, champion, candidate = evidence.champion_version, evidence.champion, evidence.candidate
    if version is None:
        return Gate(name, Verdict.PASS, "The site has no champion yet.")
    if candidate is None or ACCURACY not in candidate.metrics:
        return _unmeasured(name, evidence)
    if champion is None or champion.dataset_id != candidate.dataset_id or ACCURACY not in champion.metrics:
        told = (
            f"Champion version {version} was not measured on dataset version {candidate.dataset_id[:12]}; "
            f"{_measure(evidence, 'champion')}."
        )
        return Gate(name, Verdict.NO_EVIDENCE, told)
    adapted, best = candidate.metrics[ACCURACY].value, champion.metrics[ACCURACY].value
    told = f"The adapter is right in {adapted:.1%} of the frames, champion version {version} in {best:.1%}."
    return _judged(name, adapted >= best - conditions.max_champion_loss, told)


def _never_seen(evidence: Evidence) -> Gate:
    name = "The adapter has learnt nothing of the golden set"
    golden = evidence.golden
    if golden is None:
        return Gate(name, Verdict.PASS, _NO_GOLDEN_SET)
    if golden.seen is None:
        return Gate(name, Verdict.NO_EVIDENCE, "The dataset version that it was tuned on is gone; tune again.")
    told = f"Of the frames that it was tuned on or chosen by, {golden.seen or 'none'} show what a golden frame shows."
    return _judged(name, golden.seen == 0, told)


def _golden(evidence: Evidence) -> Gate:
    name = "On the golden set the adapter is right no less often than the base model"
    golden = evidence.golden
    if golden is None:
        return Gate(name, Verdict.PASS, _NO_GOLDEN_SET)
    reports = [report for report in (golden.candidate, golden.base) if report and ACCURACY in report.metrics]
    if [report.dataset_id for report in reports] != [golden.set_id] * 2:
        told = f"Not measured on golden set {golden.set_id[:12]}; {_measure(evidence, evidence.run_id)}."
        return Gate(name, Verdict.NO_EVIDENCE, told)
    adapted, base = (report.metrics[ACCURACY].value for report in reports)
    told = f"The adapter is right in {adapted:.1%} of {reports[0].rows} golden frames, the base in {base:.1%}."
    return _judged(name, adapted >= base, told)


def _judged(name: str, met: bool, told: str) -> Gate:
    return Gate(name, Verdict.PASS if met else Verdict.FAIL, told)


def _measured(evidence: Evidence, metric: str | None = None) -> tuple[EvaluationReport, EvaluationReport] | None:
    """Return the reports of adapter and base, None unless both exist and hold ``metric``."""
    candidate, base = evidence.candidate, evidence.base
    if candidate is None or base is None:
        return None
    if metric and not (metric in candidate.metrics and metric in base.metrics):
        return None
    return candidate, base


def _unmeasured(name: str, evidence: Evidence) -> Gate:
    who = "Adapter and base were" if evidence.candidate else "The adapter was"
    told = f"{who} not measured for this; {_measure(evidence, evidence.run_id)}."
    return Gate(name, Verdict.NO_EVIDENCE, told)


def _measure(evidence: Evidence, model: str) -> str:
    """Say how to measure ``model``, to who reads it on the page and to who reads it in a terminal."""
    return f"measure it under Runs, or run `workbench evaluate --site {evidence.site} --model {model}`"


def _accuracy_by_camera(report: EvaluationReport) -> dict[str, float]:
    return {camera: metrics[ACCURACY].value for camera, metrics in report.by_camera.items() if ACCURACY in metrics}
