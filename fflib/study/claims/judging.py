"""Judging a claim: from the numbers of training runs to what they say in each cell.

A cell is a data set under a protocol, or a layer there if the claim is about layers. In each the claim
is judged by the confidence interval of one number per training run, and against its rivals, which are
measured in the same way: it holds if the interval lies beyond the bound and the difference from every
rival that it has to beat lies beyond zero; it fails if one of these surely does not; it is open
otherwise. Claims that are judged together share the risk of error: their intervals are as much wider as
Bonferroni's correction asks. So do the cells and rivals of a claim of the second edition, for a single
cell can refute it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fflib.experiment import Experiment
from fflib.records.stores import Record
from fflib.statistics import Interval, mean_interval
from fflib.statistics.intervals import Scale
from fflib.study.claims.claim import LABEL_ALONE, Answer, Claim, Measure
from fflib.study.claims.verdicts import Cell, LabelAlone, Rival, Verdict, as_yes

__all__ = ["judge", "where"]

Units = dict[Hashable, NDArray[np.float64]]
"""What was measured, shape (layers,) or (1,), by run or class."""

Place = tuple[str, str]

DIFFERENCES: dict[Scale, Scale]
DIFFERENCES = {"share": "share difference", "correlation": "correlation difference"}
"""The range of the difference of two values of one range."""


def where(records: Iterable[Record], **fields: Any) -> list[Record]:
    """Keep the records whose experiment has these values.

    `fields` are fields of :class:`fflib.Experiment`, or ``untrained``, whether there were no epochs
    of training, and ``regularised``, whether activity was penalised.

    Examples
    --------
    >>> where([], model="ff", dataset="mnist")
    []
    """
    return [r for r in records if all(_value(r.experiment, n) == v for n, v in fields.items())]


def _value(experiment: Experiment, name: str) -> Any:
    match name:
        case "untrained":
            return not experiment.epochs
        case "regularised":
            return bool(getattr(experiment, "l1", 0.0))
    return getattr(experiment, name)


def judge(claim: Claim, records: Iterable[Record]) -> Verdict:
    """Judge a claim by records.

    There are no cells where no record bears on the claim. Records that the claim is not about, such
    as those evaluated on other images, are left out.

    Raises
    ------
    ValueError
        Two runs of a model have the same data set, protocol, seed and held-out class: records of
        several grids must be judged apart.
    """
    about = [
        r
        for r in records
        if (r.experiment.hold_out is not None) == claim.unseen
        and r.experiment.evaluate_on == claim.split
    ]
    own_runs = next(iter(claim.runs.values()))
    used: list[Record] = []

    def measured(fields: Mapping[str, Any], measure: Measure) -> dict[Place, Units]:
        return _measured(claim, about, fields, measure, used)

    own = measured(own_runs, claim.measure)
    rivals = {name: measured(fields, claim.measure) for name, fields in claim.rivals.items()}
    if claim.chance:
        rivals["chance"] = measured(own_runs, claim.chance)
    label = measured(own_runs, claim.label_alone) if claim.label_alone else {}
    if claim.against:
        base = rivals[claim.against]
        own = {
            place: {unit: v for unit, v in units.items() if unit in base.get(place, {})}
            for place, units in own.items()
        }
    places = [
        (place, layer)
        for place in sorted(own)
        if own[place]
        for layer in range(min(len(values) for values in own[place].values()))
    ]
    confidence = claim.confidence_in(len(places))
    cells = tuple(
        _cell(
            claim,
            place,
            _layer(own[place], layer),
            {name: _layer(found.get(place, {}), layer) for name, found in rivals.items()},
            _layer(label.get(place, {}), layer),
            [r for r in _chosen(about, own_runs) if _place(r) == place],
            confidence,
            layer,
        )
        for place, layer in places
    )
    return Verdict(claim, cells, tuple({r.experiment: r for r in used}.values()))


def _place(record: Record) -> Place:
    return record.experiment.dataset, record.experiment.protocol


def _chosen(about: Iterable[Record], fields: Mapping[str, Any]) -> list[Record]:
    """Choose runs that have these values, trained and without penalty unless these say otherwise."""
    return where(about, **{"untrained": False, "regularised": False} | dict(fields))


def _measured(
    claim: Claim,
    about: Sequence[Record],
    fields: Mapping[str, Any],
    measure: Measure,
    used: list[Record],
) -> dict[Place, Units]:
    """Measure runs with those that belong to them; average those of a class if it is the unit."""
    others = [
        {_pairing(r): r for r in _chosen(about, own)} for own in list(claim.runs.values())[1:]
    ]
    found: dict[Place, dict[Hashable, list[NDArray[np.float64]]]] = {}
    seen = set()
    for record in _chosen(about, fields):
        pairing = _pairing(record)
        if pairing in seen:
            raise ValueError(
                f"{claim.id}: two runs of {dict(fields)} have data set, protocol, seed and held-out "
                f"class {pairing}: judge the records of several grids apart"
            )
        seen.add(pairing)
        with_it = [runs.get(pairing) for runs in others]
        if None in with_it and not claim.lenient:
            continue
        value = measure(record, *with_it)
        if value is None:
            continue
        used += [r for r in (record, *with_it) if r is not None]
        unit = record.experiment.hold_out if claim.unit == "class" else pairing[2:]
        here = found.setdefault(_place(record), {})
        here.setdefault(unit, []).append(np.atleast_1d(value).astype(np.float64))
    return {
        place: {unit: np.mean(values, axis=0) for unit, values in units.items()}
        for place, units in found.items()
    }


def _pairing(record: Record) -> tuple[str, str, int, int | None]:
    e = record.experiment
    return e.dataset, e.protocol, e.seed, e.hold_out


def _layer(units: Units, layer: int) -> dict[Hashable, float]:
    return {unit: float(values[layer]) for unit, values in units.items() if layer < len(values)}


def _interval(values: Iterable[float], confidence: float, scale: Scale = "plain") -> Interval:
    values = list(values)
    if not values:
        return Interval(np.nan, np.nan, np.nan, 0, confidence)
    return mean_interval(values, confidence, scale)


def _difference(one: Mapping[Hashable, float], other: Mapping[Hashable, float]) -> list[float]:
    return [value - other[unit] for unit, value in one.items() if unit in other]


def _cell(
    claim: Claim,
    place: Place,
    own: Mapping[Hashable, float],
    rivals: Mapping[str, Mapping[Hashable, float]],
    label: Mapping[Hashable, float],
    records: Sequence[Record],
    confidence: float,
    layer: int,
) -> Cell:
    base = rivals[claim.against] if claim.against else None

    def judged(values: Mapping[Hashable, float]) -> list[float]:
        return list(values.values()) if base is None else _difference(values, base)

    apart = DIFFERENCES.get(claim.scale, "plain")
    scale = claim.scale if base is None else apart
    interval = _interval(judged(own), confidence, scale)
    answers = [claim.answer(interval)]
    compared = []
    for name, values in rivals.items():
        difference = _interval(_difference(own, values), confidence, apart)
        passes = claim.answer(_interval(judged(values), confidence, scale))
        found = Rival(
            name,
            _interval(values.values(), confidence, claim.scale),
            difference,
            None if name in (claim.against, "chance") else as_yes(passes),
            beaten=name in claim.beats,
        )
        compared.append(found)
    beaten = {found.name: found.difference for found in compared if found.beaten}
    answers += [
        claim.compared(beaten[name], 0) if name in beaten else "open" for name in claim.beats
    ]
    p_value = claim.test(records) if claim.test else None
    if p_value is not None and not p_value < 1 - confidence and answers[0] == "holds":
        answers[0] = "open"
    alone = None
    if label:
        share = _interval(label.values(), confidence, "share")
        alone = LabelAlone(share, as_yes(_beyond(share)))
    return Cell(
        *place,
        layer=layer + 1 if claim.by_layer else None,
        values=tuple(judged(own)),
        interval=interval,
        own=_interval(own.values(), confidence, claim.scale),
        answer=_all_of(answers),
        rivals=tuple(compared),
        label_alone=alone,
        p_value=p_value,
    )


def _beyond(share: Interval) -> Answer:
    return "holds" if share.low > LABEL_ALONE else "fails" if share.high < LABEL_ALONE else "open"


def _all_of(answers: Sequence[Answer]) -> Answer:
    """Return what holds if all of it holds, and fails if a part of it surely does."""
    if "fails" in answers:
        return "fails"
    return "open" if "open" in answers else "holds"
