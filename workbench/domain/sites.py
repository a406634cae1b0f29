"""Places and their fixed viewpoints."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from workbench.domain.names import require_name
from workbench.errors import UsageError

__all__ = ["Camera", "Mask", "MaskStyle", "Site", "require_class_names"]


@dataclass(frozen=True)
class Site:
    """A place that gets its own adapter; one registered model in MLflow bears its name."""

    name: str
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        require_name("site", self.name)
        require_class_names(self.class_names)


class MaskStyle(StrEnum):
    BLACK = "black"
    BLUR = "blur"


@dataclass(frozen=True)
class Mask:
    """A part of a camera's view that nobody is to see; ``outline_uv`` are corners as parts of width and height."""

    outline_uv: tuple[tuple[float, float], ...]
    style: MaskStyle = MaskStyle.BLACK

    def __post_init__(self) -> None:
        if len(self.outline_uv) < 3 or not all(0 <= part <= 1 for corner in self.outline_uv for part in corner):
            raise UsageError(
                expected="a mask of three corners or more, each given as parts of width and height from 0 to 1",
                found=" ".join(f"{u:g},{v:g}" for u, v in self.outline_uv) or "none",
                remedy="give for example 0,0 0.3,0 0.3,1 0,1 for the left third",
            )


@dataclass(frozen=True)
class Camera:
    """One fixed viewpoint of a site, and what of it is never stored: ``masks`` and, where asked for, faces."""

    site: str
    name: str
    masks: tuple[Mask, ...] = ()
    hides_faces: bool = False

    def __post_init__(self) -> None:
        require_name("camera", self.name)


def require_class_names(class_names: Sequence[str]) -> None:
    """Raise UsageError unless these may be the classes of a site."""
    if len(class_names) < 2 or len(set(class_names)) != len(class_names):
        raise UsageError(
            expected="at least two different class names",
            found=", ".join(class_names) or "none",
            remedy="name them with commas between them: a,b,c",
        )
    for class_name in class_names:
        require_name("class", class_name)
