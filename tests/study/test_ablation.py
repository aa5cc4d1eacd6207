"""The steps from back-propagation to Forward-Forward, its claims, and its figures."""

import numpy as np
import pytest
import synthetic
from matplotlib import pyplot as plt

from fflib.book.figures import ablation as plots
from fflib.errors import ExperimentError
from fflib.experiment import Experiment
from fflib.study.analyses.ablation import STEPS, answer, runs_by_step, step_of
from fflib.study.claims import CHECKS, CHOICES, INGREDIENTS, SIGNS, hoyer, judge
from fflib.study.plans.grids import ABLATION, GRIDS, planned


def runs(sparseness, dataset="mnist", seeds=3, rate=0.01):
    """Runs on every step, whose layers all have the sparseness given by the step's name."""
    records = []
    for found in STEPS:
        for seed in range(seeds):
            base = synthetic.record(found.fields["model"], seed, dataset)
            e = base.experiment
            fields = {"hidden": e.hidden, "layers": e.layers, "epochs": e.epochs}
            experiment = Experiment(
                **found.fields, dataset=dataset, seed=seed, learning_rate=rate, **fields
            )
            value = sparseness[found.name] + 0.001 * seed
            layers = [x.model_copy(update={"hoyer": value}) for x in base.metrics.layers]
            metrics = base.metrics.model_copy(update={"layers": layers})
            records.append(base.model_copy(update={"experiment": experiment, "metrics": metrics}))
    return records


FLAT = {found.name: 0.5 for found in STEPS}


def test_every_experiment_of_the_grid_belongs_to_the_step_it_was_planned_for():
    for number, experiment in enumerate(GRIDS["local"]):
        assert step_of(experiment) is STEPS[number % len(STEPS)]
    assert {step_of(e).name for e in planned("local-rate")} == {"local", "+ norm", "+ labels"}


def test_an_experiment_beside_the_ablation_has_no_step():
    with pytest.raises(ExperimentError, match="no step"):
        step_of(Experiment(model="local-bp", norm="l1"))


def test_all_steps_are_trained_alike():
    training = ("epochs", "batch_size", "schedule", "learning_rate", "precision", "activation")
    assert len({tuple(getattr(e, f) for f in training) for e in planned("local")}) == 1
    assert len(ABLATION) == len(STEPS)


@pytest.mark.parametrize(
    ("raised", "confirmed"),
    [("local", "locality"), ("FF", "goodness"), ("+ norm", "normalisation")],
)
def test_an_ingredient_is_confirmed_by_the_step_that_it_adds(raised, confirmed):
    names = [found.name for found in STEPS[:5]]
    higher = FLAT | dict.fromkeys(names[names.index(raised) :], 0.9)
    verdicts = {c.id: judge(c, runs(higher)).verdict for c in INGREDIENTS}
    assert verdicts.pop(confirmed) == "holds"
    assert verdicts.pop("local-goodness") == "holds"  # BP/FF has stayed where it was
    assert set(verdicts.values()) == {"fails"}


def test_the_answer_names_every_ingredient_once():
    said = answer([judge(c, runs(FLAT | {"FF": 0.9})) for c in INGREDIENTS])
    assert said.startswith("Sparser by more than 0.1 on every data set with goodness (0.40")
    assert all(said.count(name) == 1 for name in ("locality", "normalisation", "contrast"))
    nothing = answer([judge(c, runs(FLAT)) for c in INGREDIENTS])
    assert nothing.startswith("No step of the ablation")


def test_the_table_has_the_numbers_of_the_records():
    records = runs(FLAT | {"BP": 0.8})
    table = runs_by_step(records)
    assert len(table) == len(records)
    assert table.query("step == 'BP'")["hoyer"].tolist() == pytest.approx([0.8, 0.801, 0.802])
    assert table["hoyer"].tolist() == pytest.approx([hoyer(r) for r in records])


def test_the_figure_of_the_ablation_shows_means_of_every_step_and_data_set():
    figure = plots.by_step(runs(FLAT | {"FF": 0.9}) + runs(FLAT, "fashion-mnist"))
    panel = figure.axes[0]
    means = [line.get_xdata()[0] for line in panel.lines if line.get_marker() == "o"]
    assert len(means) == 2 * len(STEPS)
    assert max(means) == pytest.approx(0.901)
    assert [label.get_text() for label in panel.get_yticklabels()] == [r.name for r in STEPS]
    plt.close(figure)


def test_the_figure_of_rates_joins_the_means_of_every_step():
    records = runs(FLAT, rate=0.001) + runs(FLAT | {"BP": 0.9}, rate=0.01)
    figure = plots.sparseness_by_rate(records)
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_allclose(lines["BP"].get_ydata(), [0.501, 0.901])
    assert set(lines) >= {r.name for r in STEPS}
    plt.close(figure)


def test_claims_that_are_judged_together_share_the_risk():
    for family in (INGREDIENTS, CHOICES, SIGNS):
        assert {c.together for c in family} == {len(family)}
        assert {c.by for c in family} == {"ours"}
    assert len({c.id for c in CHECKS}) == len(CHECKS)
    assert all(grid in GRIDS for c in CHECKS for grid in c.grids)
