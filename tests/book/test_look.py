"""Every table of the book is written for readers."""

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from fflib.book.tables.look import LONG, cells, html


def rows(table):
    """The texts of a table, row by row."""
    found = BeautifulSoup(html(table), "html.parser").find_all("tr")
    return [[cell.get_text() for cell in row.find_all(["th", "td"])] for row in found]


def test_index_and_columns_have_one_head():
    index = pd.MultiIndex.from_product([["mnist"], ["ff", "bp"]], names=["dataset", "model"])
    table = pd.DataFrame({"learning_rate": [0.01, 0.003]}, index)
    assert rows(table) == [
        ["data set", "model", "learning rate"],
        ["MNIST", "FF", "0.010"],  # the first entry of the index spans both rows
        ["BP", "0.003"],
    ]
    assert 'rowspan="2">MNIST' in html(table)


def test_columns_of_two_levels_have_the_index_over_both_rows():
    columns = pd.MultiIndex.from_product([["mnist", "digits"], [2, 5]], names=["dataset", "k"])
    table = pd.DataFrame(np.eye(4), pd.Index(list("abcd"), name="class"), columns)
    head = html(table).split("<tbody>")[0]
    assert '<th rowspan="2">class ↓ k →</th><th colspan="2">MNIST</th>' in head
    assert [len(row) for row in rows(table)[:3]] == [3, 4, 5]


def test_an_index_that_only_counts_is_left_out():
    assert rows(pd.DataFrame({"seed": [0]})) == [["seed"], ["0"]]
    assert rows(pd.Series([0.5], ["ratio"], name="accuracy")) == [
        ["", "accuracy"],
        ["ratio", "0.5"],
    ]


def test_a_long_table_repeats_its_index():
    index = pd.MultiIndex.from_product([["a"], range(LONG + 1)], names=["kind", "run"])
    found = html(pd.DataFrame({"x": range(LONG + 1)}, index))
    assert 'class="dataframe long"' in found
    assert "rowspan" not in found


def test_what_is_missing_is_a_dash_and_what_is_true_is_yes():
    table = pd.DataFrame({"a": [None, "x"], "b": [np.nan, -1.0], "c": [True, False]})
    assert rows(table)[1:] == [["–", "–", "yes"], ["x", "−1", "no"]]


def test_no_text_holds_what_is_no_number():
    assert rows(pd.DataFrame({"ratios": ["0.5 / -inf", "nan", "nanny"]}))[1:] == [
        ["0.5 / −∞"],
        ["–"],
        ["nanny"],
    ]


def test_nothing_has_no_sign():
    table = pd.DataFrame({"interval": ["-0.58 [-0.70, -0.00]", "-0.0%", "-0.001"]})
    assert rows(table)[1:] == [["−0.58 [−0.70, 0.00]"], ["0.0%"], ["−0.001"]]


def test_rows_that_are_fields_are_named_in_words():
    assert rows(pd.Series([3], ["batch_size"], name="ratio"))[1] == ["batch size", "3"]


def test_nothing_is_said_in_words():
    assert html(pd.DataFrame({"a": []})) == "<p>Nothing on record yet.</p>"


def test_text_is_no_markup():
    assert "<td>a &lt;b&gt;<br>c</td>" in html(pd.DataFrame({"x": ["a <b>\nc"]}))


def test_numbers_stand_to_the_right_and_so_does_their_head():
    found = html(pd.DataFrame({"mean": ["-0.1 [-0.2, 0.0]", ""], "verdict": ["open", "holds"]}))
    assert '<th class="number">mean</th><th>verdict</th>' in found
    assert '<td class="number">−0.1 [−0.2, 0.0]</td><td>open</td>' in found


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([0.9876, 0.0512], ["0.988", "0.051"]),  # as many decimals as the largest has room for
        ([14.03878, 0.22866], ["14.0", "0.2"]),
        ([0.62, -0.001], ["0.620", "−0.001"]),
        ([-0.0004, 0.5], ["−0.0004", "0.5"]),  # where these would hide one, each has its own
        ([-0.0, 0.0], ["0", "0"]),
        ([1e-5, 0.5], ["1e−05", "0.5"]),
        ([123456.7, 1.0], ["123457", "1"]),
        ([np.inf, -np.inf, np.nan], ["∞", "−∞", "–"]),
    ],
)
def test_numbers_have_three_digits_at_most(values, written):
    assert cells(pd.Series(values)) == written


@given(st.lists(st.floats(-999, 999, allow_subnormal=False), min_size=1))
def test_no_number_is_far_from_what_it_was(values):
    # Half of the third digit of the largest in the column, or of the number itself.
    for value, text in zip(values, cells(pd.Series(values)), strict=True):
        room = 0.005 * max(map(abs, values))
        assert abs(float(text.replace("−", "-")) - value) <= room + 1e-300


def test_names_above_columns_that_are_in_words_already_stay():
    columns = pd.Index(["ff", "FF", "plain loop"], name="model")
    assert rows(pd.DataFrame([[1, 2, 3]], ["width"], columns))[0][1:] == ["FF", "FF", "plain loop"]
    above = pd.MultiIndex.from_product([["FF", "bp"], ["a"]], names=["model", None])
    assert rows(pd.DataFrame([[1, 2]], ["width"], above))[0][1:] == ["FF", "BP"]
