"""An experiment: the frozen, validated description of one training run.

Everything that decides the result is a field; nothing else is. A field left out is filled from a
preset in :mod:`fflib.presets`, which also says where each value came from. Dense and convolutional
networks have most fields in common; what only one of them has is a field of its own class.
"""

from fflib.experiment.architectures import (
    BY_CLASS,
    ConvExperiment,
    DenseExperiment,
    LabelCode,
    crossed,
    gradient_reach,
    properties,
)
from fflib.experiment.base import KINDS, Experiment, fields
from fflib.experiment.circumstances import Circumstances

__all__ = [
    "BY_CLASS",
    "KINDS",
    "Circumstances",
    "ConvExperiment",
    "DenseExperiment",
    "Experiment",
    "LabelCode",
    "crossed",
    "fields",
    "gradient_reach",
    "properties",
]
