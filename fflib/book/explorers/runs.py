"""The runs that an explorer offers, and what it says of them."""

from collections.abc import Iterable
from typing import Any

from fflib import wording
from fflib.book.figures import style
from fflib.data import class_names
from fflib.records.stores import Record

__all__ = ["about", "one_each"]


def one_each(records: Iterable[Record]) -> list[Record]:
    """Return the first run of each data set and model, data sets together as they appear."""
    first: dict[tuple[str, str], Record] = {}
    for record in records:
        first.setdefault((record.experiment.dataset, record.experiment.model), record)
    datasets = list(dict.fromkeys(dataset for dataset, _ in first))
    models = [model for model in style.MODEL_COLOURS if model in {model for _, model in first}]
    return [first[d, m] for d in datasets for m in models if (d, m) in first]


def about(record: Record) -> dict[str, Any]:
    """Return what a page says of a run beside its numbers."""
    e = record.experiment
    return {
        "key": e.key,
        "dataset": wording.dataset_name(e.dataset),
        "model": wording.model_name(e.model),
        "classes": list(class_names(e.dataset)),
        "layers": e.layers,
        "units": e.hidden,
        "said": (
            f"One run: {wording.protocol_name(e.protocol)}, seed {e.seed}, {e.epochs} epochs, test "
            f"accuracy {record.metrics.accuracy:.3f}; record {e.key}."
        ),
    }
