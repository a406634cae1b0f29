"""The words of the workbench: frozen values that refuse to be wrong.

Times are timezone-aware UTC; units and layouts stand in the names. A :class:`Prediction` (what a model said) and an
:class:`Annotation` (what a person said) are different types, so that a guess never becomes ground truth by accident.
"""

from workbench.domain.datasets import DatasetVersion, LabelledFrame, Split
from workbench.domain.evidence import Candidate, CandidateState, DriftReport, EvaluationReport, Gate, Interval, Verdict
from workbench.domain.footage import Clip, Frame, LiveRecording, Sampling, SelectionStep, StreamKind, Taking
from workbench.domain.jobs import Job, JobState
from workbench.domain.labels import Annotation, Answer, Box, LabelTask, Prediction
from workbench.domain.names import utc_now
from workbench.domain.people import AuditEvent, Role, User
from workbench.domain.sites import Camera, Mask, MaskStyle, Site
from workbench.domain.taxonomy import CaptionGuide, LabelClass, Question, Taxonomy

__all__ = [
    "Annotation",
    "Answer",
    "AuditEvent",
    "Box",
    "Camera",
    "Candidate",
    "CandidateState",
    "CaptionGuide",
    "Clip",
    "DatasetVersion",
    "DriftReport",
    "EvaluationReport",
    "Frame",
    "Gate",
    "Interval",
    "Job",
    "JobState",
    "LabelClass",
    "LabelTask",
    "LabelledFrame",
    "LiveRecording",
    "Mask",
    "MaskStyle",
    "Prediction",
    "Question",
    "Role",
    "Sampling",
    "SelectionStep",
    "Site",
    "Split",
    "StreamKind",
    "Taking",
    "Taxonomy",
    "User",
    "Verdict",
    "utc_now",
]
