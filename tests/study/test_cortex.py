"""Published sparseness beside ours: one measure, from its density."""

import numpy as np
import pytest
import synthetic

from fflib.measures.sparsity import treves_rolls
from fflib.study.analyses.cortex import MEASURED, Measured, beside_cortex


def test_sparseness_from_density_is_the_measure_of_our_layers():
    rates = np.random.default_rng(0).gamma(0.5, size=68)
    density = rates.mean() ** 2 / (rates**2).mean()
    known = Measured("", "stimuli", density, 68, "").sparseness
    assert known == pytest.approx(treves_rolls(rates))
    # How many neurons there were is not known: with 68, it would change the second digit by one.
    assert Measured("", "neurons", density, None, "").sparseness == pytest.approx(known, abs=0.015)


def test_ours_come_first_then_theirs():
    table = beside_cortex([synthetic.record("ff", seed) for seed in (0, 1)])
    assert list(table.index)[:3] == ["FF, layer 1", "FF, layer 2", "FF, layer 3"]
    assert len(table) == 3 + len(MEASURED)
    assert table["sparseness"].iloc[3] == "0.23"
    assert all(table["source"].iloc[3:])
