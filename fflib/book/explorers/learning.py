"""The panel that trains: Forward-Forward beside back-propagation, on small digits, on the page itself."""

from typing import Any

import pandas as pd
import torch
from IPython.display import HTML
from torch import nn

from fflib.book.explorers.page import encoded, panel
from fflib.data.digits import PARTS, SIDE, WHITE, small_digits
from fflib.training import plain

__all__ = ["explore_learning", "learning_table"]

CLASSES, HIDDEN, THETA = 10, 100, 3.0
SETTINGS = {"side": SIDE, "white": WHITE, "classes": CLASSES, "hidden": HIDDEN, "seed": 0}
TABLED: dict[str, Any] = {"epochs": 10, "batch_size": 32, "learning_rate": 0.01}


def explore_learning() -> HTML:
    """Build a panel in which a reader trains two networks, and moves what they are trained with.

    Forward-Forward and back-propagation start from random weights on the digits of 8×8 pixels, with
    two layers of 100 units each, and go on for as long as the reader likes. The script takes the steps
    of :mod:`fflib.training.plain`, but every layer in each of them, and in double precision. The ten
    pixels of a label stand before those of the image, which has no room for them.
    """
    images, labels = small_digits()
    known = images[PARTS["train"]] / WHITE
    mean, std = float(known.mean()), float(known.std())
    data = {
        **SETTINGS | {"mean": mean, "std": std, "lit": (1 - mean) / std, "train": len(known)},
        "images": encoded(images.astype("uint8")),
        "labels": encoded(labels.astype("uint8")),
        "said": (
            f"{len(known)} digits of {SIDE}×{SIDE} pixels to learn from and {len(labels) - len(known)} to "
            f"be tested on, as they come with scikit-learn; 2 layers of {HIDDEN} units; batches of "
            f"{TABLED['batch_size']}; Adam. Computed in your browser."
        ),
    }
    said = f"As a table: accuracy of such networks after {TABLED['epochs']} epochs in PyTorch"
    parts: dict[str, Any] = {
        "scripts": ("plain.js",),
        "theta": str(THETA),
        "table": learning_table(),
    }
    return panel("learning", "digits", data, label="Train two networks", caption=said, **parts)


def learning_table() -> pd.DataFrame:
    """Train both networks by :mod:`fflib.training.plain`; their accuracy on test digits, a row each."""
    images, labels = small_digits()
    train, test = PARTS["train"], PARTS["test"]
    x, y = torch.from_numpy(images).flatten(1).float() / WHITE, torch.from_numpy(labels)
    x, lit = ((v - x[train].mean()) / x[train].std(correction=0) for v in (x, torch.tensor(1.0)))
    x = torch.cat([torch.zeros(len(x), CLASSES), x], dim=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        wrong = (y + torch.randint(1, CLASSES, y.shape)) % CLASSES
        right, other = (
            plain.with_label(x, shown, CLASSES, float(lit))[train] for shown in (y, wrong)
        )
        layers = [plain.Layer(x.shape[1], HIDDEN), plain.Layer(HIDDEN, HIDDEN)]
        hidden = [nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU()]
        network = nn.Sequential(*hidden, nn.Linear(HIDDEN, CLASSES))
        plain.train_ff(layers, right, other, THETA, **TABLED)
        plain.train_bp(network, x[train], y[train], **TABLED)
    ff = plain.predict(layers, x[test], CLASSES, float(lit))
    answers = {"Forward-Forward": ff, "back-propagation": network(x[test]).argmax(1)}
    found = {name: f"{(answer == y[test]).double().mean():.2f}" for name, answer in answers.items()}
    return pd.DataFrame({"accuracy": found})
