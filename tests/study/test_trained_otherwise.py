"""Verdicts by networks that were trained in other ways, on records made up for them."""

import pytest
import synthetic

from fflib.experiment import Experiment
from fflib.study.analyses import trained_otherwise as otherwise
from fflib.study.claims import CLAIMS

ACCURATE = [claim for claim in CLAIMS if claim.id == "accuracy"]
UNSEEN = [claim for claim in CLAIMS if claim.id == "unseen"]


def runs(model, accuracy, **fields):
    """Three runs that differ in seed and a little in accuracy."""
    found = []
    for seed in range(3):
        base = synthetic.record(model, seed)
        small = {name: getattr(base.experiment, name) for name in ("hidden", "layers")}
        experiment = Experiment(model=model, seed=seed, **small, **fields)
        metrics = base.metrics.model_copy(update={"accuracy": accuracy + seed / 1e4})
        found.append(base.model_copy(update={"experiment": experiment, "metrics": metrics}))
    return found


RIVALS = [
    *runs("bp", 0.98, epochs=12), *runs("bp-ff", 0.97, epochs=12), *runs("ff", 0.1, epochs=0),
]  # fmt: skip
SHORT = runs("ff", 0.5, epochs=12)


def test_only_trained_networks_of_forward_forward_give_way():
    longer = runs("ff", 0.97, epochs=25)
    found = otherwise.in_the_place_of([*RIVALS, *SHORT], longer)
    assert found == [*RIVALS, *longer]


def test_the_same_criterion_and_the_same_rivals_judge_every_way():
    longer = otherwise.in_the_place_of([*RIVALS, *SHORT], runs("ff", 0.97, epochs=25))
    ways = {otherwise.AS_JUDGED: [*RIVALS, *SHORT], "longer": longer, "not at all": []}
    table = otherwise.verdicts_table(ways, [*ACCURATE, *UNSEEN])
    assert list(table.index) == [ACCURATE[0].title]  # claims on unseen classes have other runs
    (row,) = table.to_dict("records")
    assert row[otherwise.AS_JUDGED].startswith("fails")
    assert row["longer"].startswith("holds")
    assert row["not at all"] == ""


@pytest.mark.parametrize(
    ("ways", "named"), [(["longer"], f"“{ACCURATE[0].title}”"), (["as long"], "none"), ([], "none")]
)
def test_a_verdict_is_another_where_its_word_is(ways, named):
    longer = [*RIVALS, *runs("ff", 0.97, epochs=25)]
    table = otherwise.verdicts_table(
        {otherwise.AS_JUDGED: [*RIVALS, *SHORT], "longer": longer, "as long": [*RIVALS, *SHORT]},
        ACCURATE,
    )
    assert otherwise.changed(table, ways) == named


def test_every_way_on_record_has_the_rivals_of_its_protocol():
    for way, records in otherwise.published().items():
        protocols = {r.experiment.protocol for r in records}
        assert len(protocols) == 1, way
        models = {r.experiment.model for r in records}
        assert models == {"ff", "bp-ff", "bp"}, way
