"""Which units rounding and seeds change, on ensembles made up for it."""

import numpy as np
import pytest
import synthetic

from fflib.study.analyses.rounding import same_units


def run(form, seed, ensembles):
    made = synthetic.record("ff", seed)
    return made.model_copy(
        update={
            "experiment": made.experiment.model_copy(update={"precision": form}),
            "arrays": made.arrays | {"ensembles/median-quantile": np.packbits(ensembles, axis=-1)},
        }
    )


def test_the_index_is_over_all_classes_of_a_layer_and_averaged_over_pairs():
    shape = synthetic.LAYERS, synthetic.CLASSES, synthetic.UNITS
    first, second = (np.zeros(shape, bool) for _ in range(2))
    first[:, :, :6] = True
    second[:, :, 6:9] = True
    rounded = first.copy()
    rounded[1, 0, :6] = False  # one class of four loses its ensemble
    runs = [
        run("float32", 0, first), run("mixed", 0, rounded),
        run("float32", 1, second), run("mixed", 1, second),
    ]  # fmt: skip
    table = same_units(runs)
    means = table.map(lambda said: float(said.split()[0]))
    assert means.loc["FF", "rounding"].tolist() == [
        1.0,
        pytest.approx((0.75 + 1) / 2, abs=0.01),
        1.0,
    ]
    assert means.loc["FF", "seed"].tolist() == [0.0, 0.0, 0.0]
