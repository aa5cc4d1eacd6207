"""The script that trains on a page takes the steps of the algorithm in plain PyTorch."""

import json

import numpy as np
import pytest
import quickjs
import torch
from torch import nn
from torch.nn import functional as F

from fflib.book.explorers.learning import explore_learning, learning_table
from fflib.book.explorers.page import text
from fflib.data.digits import PARTS, small_digits
from fflib.measures.sparsity import hoyer
from fflib.training import plain

INPUTS, UNITS, CLASSES, EXAMPLES, STEPS = 12, 7, 4, 5, 6
THETA, RATE, LIT = 1.2, 0.02, 2.0
PLAINLY = "const plainly = (x) => JSON.stringify(x, (_, v) => ArrayBuffer.isView(v) ? [...v] : v);"
# Both compute in double precision, and add up in another order.
CLOSE = {"rtol": 1e-8, "atol": 1e-10}


@pytest.fixture(scope="module")
def compute():
    """A function that gives names their values, runs a script, and returns what it comes to."""
    context = quickjs.Context()
    context.eval(PLAINLY + text("explorer.js") + text("plain.js"))

    def run(code, **values):
        names = "".join(f"const {name} = {json.dumps(value)};" for name, value in values.items())
        return json.loads(
            context.eval(f"(() => {{ {names} return plainly((() => {{ {code} }})()); }})()")
        )

    return run


LAYERS = """const layers = parts.map(([inputs, units, values]) => ({ inputs, units, steps: 0,
  values: Float64Array.from(values), first: new Float64Array(values.length), second: new Float64Array(values.length) }));
const vectors = (rows) => rows.map((row) => Float64Array.from(row));"""


def rows(layer):
    """The weights and the bias of each unit, as the script holds them."""
    return np.column_stack([layer.weight.detach(), layer.bias.detach()])


def parts(layers):
    return [
        [layer.in_features, layer.out_features, rows(layer).ravel().tolist()] for layer in layers
    ]


@pytest.fixture
def stack():
    torch.manual_seed(0)
    return [plain.Layer(INPUTS, UNITS).double(), plain.Layer(UNITS, UNITS).double()]


@pytest.fixture
def batches():
    return torch.randn(2, EXAMPLES, INPUTS, generator=torch.Generator().manual_seed(1)).double()


def test_a_step_of_forward_forward_is_that_of_the_equations(compute, stack, batches):
    before, (positive, negative) = parts(stack), batches
    optimisers = [torch.optim.Adam(layer.parameters(), RATE) for layer in stack]
    for _ in range(STEPS):
        x = [positive, negative]
        for layer, optimiser in zip(stack, optimisers, strict=True):
            hidden = [layer(batch) for batch in x]
            optimiser.zero_grad()
            plain.ff_loss(*(h.norm(dim=1) for h in hidden), THETA).backward()
            optimiser.step()
            x = [h.detach() for h in hidden]
    means, found = compute(
        LAYERS + f"""let means;
        for (let k = 0; k < {STEPS}; k++)
          means = stepFF(layers, vectors(positive), vectors(negative), {THETA}, {RATE});
        return [means, layers.map((layer) => layer.values)];""",
        parts=before, positive=positive.tolist(), negative=negative.tolist(),
    )  # fmt: skip
    for values, layer in zip(found, stack, strict=True):
        np.testing.assert_allclose(values, rows(layer).ravel(), **CLOSE)
    last = [h.norm(dim=1).mean().item() for h in hidden]
    np.testing.assert_allclose(means[-1], last, **CLOSE)


def test_a_step_of_back_propagation_is_that_of_autograd(compute, batches):
    torch.manual_seed(0)
    linear = [nn.Linear(INPUTS, UNITS), nn.Linear(UNITS, UNITS), nn.Linear(UNITS, CLASSES)]
    network = nn.Sequential(linear[0], nn.ReLU(), linear[1], nn.ReLU(), linear[2]).double()
    before, images, labels = parts(linear), batches[0], torch.arange(EXAMPLES) % CLASSES
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    for _ in range(STEPS):
        optimiser.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimiser.step()
    found, logits = compute(
        LAYERS + f"""for (let k = 0; k < {STEPS}; k++) stepBP(layers, vectors(images), labels, {RATE});
        return [layers.map((layer) => layer.values), vectors(images).map((x) => seen(layers, x).at(-1))];""",
        parts=before, images=images.tolist(), labels=labels.tolist(),
    )  # fmt: skip
    for values, layer in zip(found, linear, strict=True):
        np.testing.assert_allclose(values, rows(layer).ravel(), **CLOSE)
    np.testing.assert_allclose(logits, network(images).detach(), **CLOSE)


def test_labels_are_tried_as_in_plain_pytorch(compute, stack, batches):
    images = batches.flatten(0, 1)
    expected = plain.predict(stack, images, CLASSES, LIT)
    found, carrying, sparse = compute(
        LAYERS + f"""return [vectors(images).map((x) => predict(layers, x, {CLASSES}, {LIT})),
        vectors(images).map((x) => withLabel(x, 2, {CLASSES}, {LIT})),
        vectors(images).map((x) => heard(layers, x).map(hoyer))];""",
        parts=parts(stack), images=images.tolist(),
    )  # fmt: skip
    assert found == expected.tolist()
    labelled = plain.with_label(images, torch.full((len(images),), 2), CLASSES, LIT)
    np.testing.assert_array_equal(carrying, labelled)
    for depth in range(len(stack)):
        images = stack[depth](images).detach()
        np.testing.assert_allclose([row[depth] for row in sparse], hoyer(images), **CLOSE)


def test_a_silent_layer_has_no_direction_and_no_gradient(compute):
    silent = [[2, 3, [0.0, 0.0, -1.0] * 3]]
    means, values, sparse = compute(
        LAYERS + """const means = stepFF(layers, vectors([[1, 0]]), vectors([[0, 0]]), 1, 0.1);
        return [means, layers[0].values, hoyer(new Float64Array(3))];""",
        parts=silent,
    )  # fmt: skip
    assert (means, sparse) == ([[0, 0]], None)  # JSON has no nan
    assert values == silent[0][2]


def test_first_weights_are_drawn_as_torch_draws_them(compute):
    values = compute("return newLayer(50, 400, randomness(3)).values;")
    bound = 1 / np.sqrt(50)
    assert np.abs(values).max() <= bound
    # A uniform distribution: mean 0 and variance bound² / 3, each to four standard errors.
    assert abs(np.mean(values)) < 4 * bound / np.sqrt(3 * len(values))
    assert np.var(values) == pytest.approx(bound**2 / 3, rel=4 / np.sqrt(len(values)))
    assert values != compute("return newLayer(50, 400, randomness(4)).values;")


def test_the_small_digits_are_those_of_the_data_set():
    images, labels = small_digits()
    assert (images.shape, images.min(), images.max()) == ((1797, 8, 8), 0, 16)
    assert len(labels[PARTS["test"]]) == 360


def test_the_table_has_what_the_same_equations_reach():
    table = learning_table()
    assert table.index.tolist() == ["Forward-Forward", "back-propagation"]
    assert (table["accuracy"].astype(float) > 0.85).all()
    assert len(explore_learning().data.encode()) < 250_000
