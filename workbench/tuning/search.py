"""What a sweep tries: every combination of some choices or, within ranges too, what Optuna proposes.

Proposals are those of its seeded ``TPESampler`` (Bergstra et al. 2011).
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import optuna
import yaml
from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from workbench.errors import RecipeError
from workbench.wording import in_short
from workbench.yaml_text import dump_yaml, load_yaml

__all__ = ["Search", "Space", "parse_space"]

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True)
class Space:
    """The values of some recipe keys among which a sweep looks."""

    keys: Mapping[str, BaseDistribution]

    @property
    def is_grid(self) -> bool:
        return all(isinstance(values, CategoricalDistribution) for values in self.keys.values())

    @property
    def corners(self) -> list[str]:
        """Overrides that a recipe must take: every choice, and both ends of every range."""
        return [_override(key, end) for key, values in self.keys.items() for end in _ends(values)]


def parse_space(texts: Sequence[str]) -> Space:
    """Read ``lora.r=8,16`` (choices), ``lora.r=4..64`` (a range) or ``training.learning_rate=1e-4..1e-2:log``.

    RecipeError tells the first one that is neither, or a key that is given twice.
    """
    keys: dict[str, BaseDistribution] = {}
    for key, values in map(_parse, texts):
        if key in keys:
            raise RecipeError(
                expected="each key of a sweep once",
                found=f"{key} twice",
                remedy="give all of its values together, such as lora.r=8,16",
            )
        keys[key] = values
    return Space(keys)


class Search:
    """Asks for one combination after another, and is told how good each was."""

    def __init__(self, space: Space, *, trials: int | None, seed: int) -> None:
        self._space = space
        self._study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        if trials is None:
            for chosen in itertools.product(*map(_ends, space.keys.values())):
                self._study.enqueue_trial(dict(zip(space.keys, chosen, strict=True)))
        self.trials = len(self._study.trials) if trials is None else trials

    def ask(self) -> tuple[int, list[str]]:
        """Return the number of a new trial, and its overrides of the recipe."""
        trial = self._study.ask(dict(self._space.keys))
        return trial.number, [_override(key, value) for key, value in trial.params.items()]

    def tell(self, number: int, score: float | None) -> None:
        """Say what a trial reached, higher being better; None says that it failed."""
        state = optuna.trial.TrialState.COMPLETE if score is not None else optuna.trial.TrialState.FAIL
        self._study.tell(number, score, state=state)


def _parse(text: str) -> tuple[str, BaseDistribution]:
    name, _, values = text.partition("=")
    key = name.strip()
    low, is_range, rest = values.partition("..")
    high, _, scale = rest.partition(":")
    try:
        if not is_range:
            return key, CategoricalDistribution(_choices(values))
        ends = [_number(low), _number(high)]
        if scale not in ("", "log"):
            raise ValueError(scale)
        if all(isinstance(end, int) for end in ends):
            return key, IntDistribution(int(ends[0]), int(ends[1]), log=scale == "log")
        return key, FloatDistribution(ends[0], ends[1], log=scale == "log")
    except (ValueError, RecursionError, yaml.YAMLError) as exc:
        raise RecipeError(
            expected="choices such as lora.r=8,16 or a range such as training.learning_rate=1e-4..1e-2:log",
            found=in_short(text),
            remedy="write the key's full path, '=' and its values, each once",
        ) from exc


def _choices(texts: str) -> list[CategoricalChoiceType]:
    choices = [_value(text) for text in texts.split(",") if text.strip()]
    if len(set(choices)) < len(choices):
        raise ValueError(texts)
    return choices


def _value(text: str) -> CategoricalChoiceType:
    value = load_yaml(text)
    return value if value is None or isinstance(value, bool | int | float | str) else text


def _number(text: str) -> float:
    value = _value(text)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else float("no number")


def _override(key: str, value: object) -> str:
    return f"{key}={value!r}" if isinstance(value, float) else f"{key}={dump_yaml(value).splitlines()[0]}"


def _ends(values: BaseDistribution) -> Sequence[CategoricalChoiceType]:
    """Return all choices, or both ends of a range."""
    if isinstance(values, CategoricalDistribution):
        return values.choices
    assert isinstance(values, IntDistribution | FloatDistribution)
    return values.low, values.high
