"""The words of the workbench: frozen values that refuse to be wrong.

Times are timezone-aware UTC; units and layouts stand in the names. A :class:`Prediction` (what a model said) and an
:class:`Annotation` (what a person said) are different types, so that a guess never becomes ground truth by accident.
"""

from workbench.domain.comparisons import Contest, Preference
from workbench.domain.datasets import DatasetVersion, GoldenSet, LabelledFrame, Split
from workbench.domain.evidence import Candidate, CandidateState, DriftReport, EvaluationReport, Gate, Interval, Verdict
from workbench.domain.footage import Clip, Frame, LiveRecording, Sampling, SelectionStep, StreamKind, Taking
from workbench.domain.jobs import Job, JobState
from workbench.domain.labels import Annotation, Answer, Box, LabelTask, Prediction
from workbench.domain.names import plain_wording, utc_now
from workbench.domain.people import AuditEvent, Role, User
from workbench.domain.queue import USUAL_WEIGHTS, LookAgain, QueueItem, QueuePlan, QueueRules, Signal, text_to_weights
from workbench.domain.reviews import Decision, DecisionKind, GoldAnswer, OverlapRule, SettledAnswer
from workbench.domain.sites import Camera, Mask, MaskStyle, Site
from workbench.domain.suggestions import Basis, Response
from workbench.domain.taxonomy import CaptionGuide, LabelClass, Question, Taxonomy
from workbench.domain.timelines import ClipPart, Stretch

__all__ = [
    "USUAL_WEIGHTS",
    "Annotation",
    "Answer",
    "AuditEvent",
    "Basis",
    "Box",
    "Camera",
    "Candidate",
    "CandidateState",
    "CaptionGuide",
    "Clip",
    "ClipPart",
    "Contest",
    "DatasetVersion",
    "Decision",
    "DecisionKind",
    "DriftReport",
    "EvaluationReport",
    "Frame",
    "Gate",
    "GoldAnswer",
    "GoldenSet",
    "Interval",
    "Job",
    "JobState",
    "LabelClass",
    "LabelTask",
    "LabelledFrame",
    "LiveRecording",
    "LookAgain",
    "Mask",
    "MaskStyle",
    "OverlapRule",
    "Prediction",
    "Preference",
    "Question",
    "QueueItem",
    "QueuePlan",
    "QueueRules",
    "Response",
    "Role",
    "Sampling",
    "SelectionStep",
    "SettledAnswer",
    "Signal",
    "Site",
    "Split",
    "StreamKind",
    "Stretch",
    "Taking",
    "Taxonomy",
    "User",
    "Verdict",
    "plain_wording",
    "text_to_weights",
    "utc_now",
]
