"""The plans of the published runs: grids that are made when they are asked for, and no sooner."""

import subprocess
import sys
from collections import Counter
from itertools import product

import pytest
import synthetic

from fflib.errors import ExperimentError
from fflib.experiment import Experiment
from fflib.records.stores import PUBLISHED
from fflib.study.claims.quantities import accuracy
from fflib.study.plans import overtraining, rivals, winner_takes_all
from fflib.study.plans.grids import GRIDS, Grids, covering, planned
from fflib.study.plans.search import SEARCHES, best, configuration
from fflib.study.tables import by_run

IMPORTED = """
from fflib.experiment import Experiment
made = []
init = Experiment.__init__
Experiment.__init__ = lambda self, **fields: (made.append(self), init(self, **fields))[1]
from fflib.study.plans import cifar10, goodness_choice, grids, search
print(len(made), len(grids.GRIDS), len(made), end=" ")
grids.GRIDS["precision"]
print(len(made))
"""


def test_importing_the_plans_makes_no_experiment():
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("0 29 0 30\n", "")


def test_a_grid_is_made_once_and_only_when_it_is_asked_for():
    calls = []

    def make():
        calls.append(1)
        return [Experiment(seed=1)]

    lazy = Grids({"one": make, "two": lambda: pytest.fail("was not asked for")})
    assert (list(lazy), len(lazy), "two" in lazy, calls) == (["one", "two"], 2, True, [])
    assert lazy["one"] is lazy["one"]
    assert calls == [1]
    with pytest.raises(KeyError):
        lazy["three"]


def test_plans_are_in_order_and_without_repeats():
    both = planned("precision", "main", "precision")
    assert len(both) == len(set(both)) == len({*GRIDS["precision"], *GRIDS["main"]})
    assert both[: len(GRIDS["precision"])] == GRIDS["precision"]
    with pytest.raises(ExperimentError, match="unknown grid 'mian': choose one of main, "):
        planned("mian")


def test_few_grids_cover_what_is_planned():
    assert covering([*GRIDS["unseen"], Experiment(seed=99)]) == (["unseen"], [Experiment(seed=99)])


def test_the_second_edition_takes_what_the_search_on_record_found_best():
    fields = ["dataset", "model", "learning_rate", "epochs"]
    best = mean_accuracies("learning-rate", fields).groupby(fields[:2]).idxmax()
    chosen = {
        (dataset, model): {"learning_rate": rate, "epochs": epochs}
        for dataset, model, rate, epochs in best
    }
    assert chosen == rivals.CHOSEN


def mean_accuracies(grid, fields):
    runs = by_run(PUBLISHED.among(GRIDS[grid]), fields, {"accuracy": accuracy})
    return runs.groupby(fields)["accuracy"].mean()


def test_every_run_of_the_second_edition_has_its_rivals_of_the_same_seed():
    models = {("ff", True, 0.0), ("bp-ff", True, 0.0), ("bp", True, 0.0), ("ff", False, 0.0)}
    for dataset in rivals.DATASETS:
        penalised = ("bp", True, rivals.STRONGEST[dataset])
        for seed in rivals.SEEDS:
            own = [e for e in rivals.final() if (e.seed, e.dataset) == (seed, dataset)]
            assert sorted(map(kind, own)) == sorted([*models, penalised])
        for label in range(10):
            own = [e for e in rivals.unseen() if (e.hold_out, e.dataset) == (label, dataset)]
            assert sorted(map(kind, own)) == sorted(models)
    assert {e.evaluate_on for e in [*rivals.final(), *rivals.unseen()]} == {"test"}


def kind(experiment):
    return experiment.model, experiment.epochs > 0, experiment.l1


def test_the_penalty_is_the_strongest_that_costs_next_to_nothing_by_the_runs_on_record():
    tried = mean_accuracies("penalties", ["dataset", "l1"]).unstack("l1")
    spared = tried.ge(tried[0.0] - rivals.SPARED, axis="index")
    assert (
        spared.apply(lambda row: max(row.index[row]), axis="columns").to_dict() == rivals.STRONGEST
    )


def test_the_winner_takes_all_protocol_is_searched_in_two_rounds():
    candidates = winner_takes_all.search()
    rounds = winner_takes_all.CHANGES, winner_takes_all.COMBINED
    assert all(len(change) < 2 or change.get("batch_size") for change in rounds[0])
    assert len(set(candidates)) == len(candidates) == 2 * 2 * sum(map(len, rounds))
    assert {(e.evaluate_on, e.protocol) for e in candidates} == {("validation", "sigmoid-linf")}


def test_the_rivals_under_that_protocol_have_as_large_a_search():
    own, rivals_ = winner_takes_all.search(), winner_takes_all.rivals()
    assert len(set(rivals_)) == len(rivals_)
    for model, dataset in product(("bp-ff", "bp"), winner_takes_all.DATASETS):
        tried = [e for e in rivals_ if (e.model, e.dataset) == (model, dataset)]
        assert len(tried) == sum(e.dataset == dataset for e in own)
        assert len({configuration(e) for e in tried}) == len(winner_takes_all.RIVALS[model])
    assert {(e.evaluate_on, e.protocol) for e in rivals_} == {("validation", "sigmoid-linf")}


def test_the_winner_takes_all_protocol_has_what_its_weakest_layer_does_best_with():
    made = synthetic.record("ff")
    tried = []
    for e in winner_takes_all.search():
        weakest = 0.9 if e.theta == 0.3 else 0.5
        reached = {"accuracy": 0.95, "layer_accuracy": [0.95, weakest, 0.95]}
        metrics = made.metrics.model_copy(update=reached)
        tried.append(made.model_copy(update={"experiment": e, "metrics": metrics}))
    chosen = best_by_the_weakest_layer(tried)
    assert [found["theta"] for found in chosen.values()] == [0.3, 0.3]
    assert [*chosen] == ["mnist", "fashion-mnist"]


def best_by_the_weakest_layer(records):
    """The settings for every data set; one counts if the training of no seed failed."""
    trained = Counter(configuration(record.experiment) for record in records)
    tried = {}
    for record in records:
        if trained[configuration(record.experiment)] == len(winner_takes_all.SEARCH_SEEDS):
            tried.setdefault(record.experiment.dataset, []).append(record)
    changes = (*winner_takes_all.CHANGES, *winner_takes_all.COMBINED)
    varied = {name for change in changes for name in change}
    return {d: best(runs).experiment.model_dump(include=varied) for d, runs in tried.items()}


def test_the_winner_takes_all_runs_have_what_the_search_on_record_found_best():
    searched = winner_takes_all.search()
    found = SEARCHES.among(searched)
    assert len(found) + len(SEARCHES.failures(searched)) == len(searched)
    assert best_by_the_weakest_layer(found) == winner_takes_all.CHOSEN
    final = winner_takes_all.final()
    rivals_ = [e for e in final if e.model != "ff"]
    judged = winner_takes_all.SEEDS, winner_takes_all.RIVAL_SEEDS
    assert len(set(final)) - len(rivals_) == 2 * sum(map(len, judged))
    assert {e.evaluate_on for e in final} == {"test"}


def test_the_rivals_under_that_protocol_have_what_their_search_found_most_accurate():
    searched = winner_takes_all.rivals()
    found = SEARCHES.among(searched)
    assert len(found) + len(SEARCHES.failures(searched)) == len(searched)
    trained = Counter(configuration(r.experiment) for r in found)
    for (dataset, model), chosen in winner_takes_all.CHOSEN_RIVALS.items():
        complete = [
            r
            for r in found
            if (r.experiment.dataset, r.experiment.model) == (dataset, model)
            and trained[configuration(r.experiment)] == len(winner_takes_all.SEARCH_SEEDS)
        ]
        assert best(complete).experiment.model_dump(include=chosen.keys()) == chosen


def test_what_may_keep_a_second_layer_is_changed_one_setting_at_a_time():
    *planned, exact = overtraining.runs()
    assert len(set(planned)) == len(planned) == len(overtraining.SEEDS) * 4
    assert exact == planned[0].model_copy(update={"precision": "float32"})
    for seed in overtraining.SEEDS:
        of_seed = [e.model_dump() for e in planned if e.seed == seed]
        changed = [{n for n, v in e.items() if v != of_seed[0][n]} for e in of_seed]
        assert changed == [set(), {"negatives"}, {"epsilon"}, {"weight_decay"}]
