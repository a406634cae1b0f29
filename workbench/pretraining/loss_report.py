"""What a training run tells about itself while it runs."""

from dataclasses import dataclass

STEPS_PER_REPORT = 50


@dataclass(frozen=True)
class LossReport:
    """A report during training; ``loss`` is the mean since the report before."""

    step: int
    steps: int
    loss: float
    elapsed_s: float
