"""What is measured of a model beside its answers about a site's held-out frames, and of its base in the same way."""

from collections.abc import Sequence
from typing import Protocol

from workbench.evaluation.beside import Measurement, beside
from workbench.evaluation.checks import Check, CheckResult
from workbench.evaluation.report import Assessment
from workbench.models.vlm import Vlm

__all__ = ["Finding", "ModelCheck", "run_check"]

Finding = tuple[list[Measurement], dict[str, float | None]]
"""What is measured, and what is counted beside it."""


class ModelCheck(Protocol):
    """One check, made for the frames that it is about."""

    @property
    def check(self) -> Check: ...

    @property
    def asked(self) -> int:
        """The number of frames or questions."""

    def measure(self, vlm: Vlm, assessment: Assessment) -> Finding:
        """Measure ``vlm``, whose answers about the held-out frames are in ``assessment``."""


def run_check(check: ModelCheck, vlm: Vlm, own: Assessment, baseline: Assessment | None) -> CheckResult:
    """Measure a model, and its base where there are figures of that too."""
    measured, counts = check.measure(vlm, own)
    others: Sequence[Measurement] | None = None
    with vlm.without_adapter() as base:
        if base is not None and baseline is not None:
            others, of_base = check.measure(base, baseline)
            counts |= {f"base_{name}": count for name, count in of_base.items()}
    return CheckResult(check.check, check.asked, beside(measured, others), counts)
