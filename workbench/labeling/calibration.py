"""How much of a model's confidence to believe: one temperature, fitted to what people have said.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
"""

import numpy as np

from workbench.labeling.signals import Floats, Integers

__all__ = ["LEAST_ANSWERS", "calibrated", "fit_temperature"]

LEAST_ANSWERS = 20
"""With fewer answers a temperature says more about chance than about the model."""

_TEMPERATURES = np.geomspace(0.2, 20.0, 93)
_TINY = 1e-12


def fit_temperature(probabilities: Floats, said: Integers) -> float:
    """Return the temperature under which ``[stills, classes]`` make the answers ``said`` likeliest.

    ``said`` ``[stills]`` are places among the classes; of fewer than ``LEAST_ANSWERS`` the temperature is 1.
    """
    if len(said) < LEAST_ANSWERS:
        return 1.0
    rows = np.arange(len(said))
    losses = [
        -np.log(calibrated(probabilities, float(temperature))[rows, said] + _TINY).mean()
        for temperature in _TEMPERATURES
    ]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def calibrated(probabilities: Floats, temperature: float) -> Floats:
    """Return ``[stills, classes]`` as they are at ``temperature``: above 1 less certain, below 1 more."""
    powers = np.log(probabilities + _TINY) / temperature
    powers = np.exp(powers - powers.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares
