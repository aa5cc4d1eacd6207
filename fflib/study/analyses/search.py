"""The searches for settings on validation data, as a table."""

import pandas as pd

from fflib.experiment import Experiment
from fflib.study.plans.search import SEARCHES

__all__ = ["trials"]


def trials(dataset: str, protocol: str, model: str) -> pd.DataFrame:
    """Return what was tried on validation data beside the preset, and the accuracy it reached.

    There is a row per record in ``data/searches``, the best first: ``changed``, the fields that
    differ from the preset; ``accuracy`` on validation images; ``gain``, how far it is above that of
    the preset, nan where the preset itself was not tried.

    Examples
    --------
    >>> float(trials("fashion-mnist", "relu-l2", "bp-ff").loc["the preset", "gain"])
    0.0
    """
    preset = Experiment(
        model=model, dataset=dataset, protocol=protocol, evaluate_on="validation"
    ).model_dump()
    rows = {}
    for record in SEARCHES:
        fields = record.experiment.model_dump()
        if all(fields[name] == preset[name] for name in ("dataset", "protocol", "model")):
            changed = [
                f"{name.replace('_', ' ')} {value}"
                for name, value in fields.items()
                if value != preset.get(name)
            ]
            rows[", ".join(changed) or "the preset"] = record.metrics.accuracy
    table = pd.DataFrame({"accuracy": pd.Series(rows, dtype=float)}).rename_axis("changed")
    table["gain"] = table["accuracy"] - rows.get("the preset", float("nan"))
    return table.sort_values("accuracy", ascending=False)
