"""What drives units, and what is left of a network without a part of that drive, over runs."""

from collections.abc import Iterable

import pandas as pd

from fflib.records.stores import Record
from fflib.statistics import mean_interval
from fflib.study.analyses.attribution import of_part
from fflib.study.tables import against, intervals, named
from fflib.wording import listed, minus

__all__ = ["balance_of_signs", "contrast", "cost", "cost_in_words", "removed", "sparser_in_words"]

NETWORK = ["data set", "protocol", "network"]

SHARES = {
    "negative weights": "negative_weights",
    "negative contributions": "negative_contributions",
    "negative drive": "negative_drive",
    "balance": "balance",
    "correlation": "correlation",
}

UNMEASURED = "No run on record has measured it."


def balance_of_signs(records: Iterable[Record]) -> pd.DataFrame:
    """Show the signs of weights beside those of what they contribute.

    The table has a row per data set, protocol, network and layer: shares of weights, contributions
    and drive that are negative, balance and correlation of excitation and inhibition, see
    :class:`fflib.measures.drive.Drive`, each with its 95 % interval over runs. Runs without the
    probe "attribution" are left out.
    """
    rows = named(of_part(records, "drive"))
    rows = rows.rename(columns={column: name for name, column in SHARES.items()})
    return intervals(rows[[*NETWORK, "layer", *SHARES]], [*NETWORK, "layer"])


def contrast(records: Iterable[Record]) -> str:
    """Say in which layers contributions are negative more often than weights, and how often each is.

    The runs are of one network on one data set. What counts is the 95 % interval of the difference
    over runs.

    Examples
    --------
    >>> contrast([])
    'No run on record has measured it.'
    """
    rows = of_part(records, "drive")
    if rows.empty:
        return UNMEASURED
    layers: dict[str, list[str]] = {}
    for layer, runs in rows.groupby("layer"):
        more = mean_interval(runs["negative_contributions"] - runs["negative_weights"])
        word = "more" if more.low > 0 else "less" if more.high < 0 else "neither more nor less"
        layers.setdefault(word, []).append(str(layer))
    said = [
        f"{word} often in layer{'s' * (len(which) > 1)} {listed(which)}"
        for word, which in layers.items()
    ]
    means = rows.groupby("layer")[["negative_weights", "negative_contributions"]].mean()
    weights, contributions = (" / ".join(f"{x:.0%}" for x in means[name]) for name in means)
    return (
        f"Contributions are negative {', '.join(said)} than weights, by intervals over runs. Of the "
        f"weights {weights} are negative, from the first layer to the last, and of what they "
        f"contribute {contributions}."
    )


def removed(records: Iterable[Record]) -> pd.DataFrame:
    """Return one row per run and part of the drive that is removed, "none" being the first.

    Columns: ``dataset``, ``protocol``, ``model``, ``seed``, ``network``, ``removed``, ``accuracy`` and
    ``hoyer``, the mean over the layers in which it is defined, see
    :func:`fflib.records.drive.driven`. Runs without the probe "attribution" have no rows.
    """
    rows = of_part(records, "drive-removed").astype({"hoyer": float})
    run = ["dataset", "protocol", "model", "seed", "network", "removed"]
    return rows.groupby(run, sort=False)[["accuracy", "hoyer"]].mean().reset_index()


def cost(records: Iterable[Record]) -> pd.DataFrame:
    """Show what each part of the drive is worth: the network without it less the untouched one.

    The table has a row per data set, protocol, network and part removed: changes in accuracy and in
    sparseness, averaged over layers, with their 95 % intervals over runs.
    """
    numbers = ["accuracy", "hoyer"]
    rows = named(against(removed(records), "removed", "none", numbers))
    rows = rows[rows["removed"] != "none"]
    return intervals(rows[[*NETWORK, "removed", *numbers]], [*NETWORK, "removed"])


SHOWN = ("FF", "BP", "FF, untrained")
WITHOUT = {"negative": "negative drive", "random": "as many connections drawn at random"}


def cost_in_words(records: Iterable[Record]) -> str:
    """Say what a network loses without its negative drive, and without as many connections at random.

    The runs are of one network on one data set.

    Examples
    --------
    >>> cost_in_words([])
    'No run on record has measured it.'
    """
    records = list(records)
    if of_part(records, "drive-removed").empty:
        return UNMEASURED
    table = cost(records).droplevel(NETWORK)
    return minus(
        " ".join(
            f"Without {what}, accuracy changes by {table.loc[part, 'accuracy']:.2f} and sparseness by "
            f"{table.loc[part, 'hoyer']:.2f}."
            for part, what in WITHOUT.items()
        )
    )


def sparser_in_words(records: Iterable[Record]) -> str:
    """Say by how much less sparse each network is without its negative drive, on one data set.

    Examples
    --------
    >>> sparser_in_words([])
    'No run on record has measured it.'
    """
    records = list(records)
    if of_part(records, "drive-removed").empty:
        return UNMEASURED
    lost = cost(records).xs("negative", level="removed")["hoyer"]
    fell = lost.groupby("network", sort=False).first()
    said = [
        f"{change.mean:.2f} in {network}" for network, change in fell.items() if network in SHOWN
    ]
    return minus(f"Without its negative drive, sparseness changes by {', '.join(said)}.")
