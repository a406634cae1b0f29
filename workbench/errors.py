"""Everything that can go wrong in a way that a person can mend.

Each error's text is one sentence, on one line, for the person who caused it: what was expected, what was found, what to
do. Faces catch ``WorkbenchError`` alone, show its text and exit with its ``exit_code``; anything else is a defect and
keeps its traceback::

    WorkbenchError               exit code 1
    ├── UsageError               exit code 2: the request itself is wrong
    │   ├── RecipeError          a recipe file or override that cannot be used
    │   ├── LabelFileError       a labels file that cannot be used
    │   └── NotFoundError        a site, camera, run or frame that nobody made
    ├── FootageError             footage that cannot be opened, decoded or sampled
    │   └── LastingStreamError   what the same address will meet again: a wrong password, an unknown path, no video
    ├── StorageError             a disk or database that refuses
    ├── ServiceError             a server that does not answer, or refuses
    │   ├── LabelStudioError
    │   │   └── UnansweredError  a request to it without an answer, which may have been carried out
    │   └── TrackingError        MLflow
    ├── DatasetError             a set of labels that must not be trained or measured on
    ├── ModelError               weights, adapter or processor that do not fit
    ├── PreflightError           a tuning run that would not do what its recipe says
    ├── PromotionError           a promotion that its rules forbid
    └── AccessError              a person without the role or the password for it
"""

from functools import partial
from typing import Any

from workbench.wording import one_line

__all__ = [
    "AccessError",
    "DatasetError",
    "FootageError",
    "LabelFileError",
    "LabelStudioError",
    "LastingStreamError",
    "ModelError",
    "NotFoundError",
    "PreflightError",
    "PromotionError",
    "RecipeError",
    "ServiceError",
    "StorageError",
    "TrackingError",
    "UnansweredError",
    "UsageError",
    "WorkbenchError",
]


class WorkbenchError(Exception):
    exit_code = 1

    def __init__(self, *, expected: str, found: str, remedy: str) -> None:
        self.expected, self.found, self.remedy = expected, found, remedy
        super().__init__(one_line(f"Expected {expected}, but found {found}; {remedy}."))

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), expected=self.expected, found=self.found, remedy=self.remedy), ()


class UsageError(WorkbenchError):
    exit_code = 2


class RecipeError(UsageError):
    pass


class LabelFileError(UsageError):
    pass


class NotFoundError(UsageError):
    pass


class FootageError(WorkbenchError):
    pass


class LastingStreamError(FootageError):
    pass


class StorageError(WorkbenchError):
    pass


class ServiceError(WorkbenchError):
    pass


class LabelStudioError(ServiceError):
    pass


class UnansweredError(LabelStudioError):
    pass


class TrackingError(ServiceError):
    pass


class DatasetError(WorkbenchError):
    pass


class ModelError(WorkbenchError):
    pass


class PreflightError(WorkbenchError):
    pass


class PromotionError(WorkbenchError):
    pass


class AccessError(WorkbenchError):
    pass
