"""Random changes of images: what they are, that they repeat, and that devices agree."""

import pytest
import torch
from torch.nn import functional as F

from fflib.experiment import Experiment
from fflib.training import convolutional
from fflib.training.augmentation import FARTHEST, STRENGTH, augmented, draw
from fflib.training.train import train

IMAGES = torch.randn(200, 3, 9, 8, generator=torch.Generator().manual_seed(0))
DRAWN = draw(200, torch.Generator().manual_seed(1))
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def naive(image, numbers):
    """A crop from the padded image, mirrored or not."""
    padded = F.pad(image[None], [FARTHEST] * 4, mode="reflect")[0]
    top, left = (int(number * (2 * FARTHEST + 1)) for number in numbers[:2].tolist())
    crop = padded[:, top : top + 9, left : left + 8]
    return crop.flip(2) if numbers[2] < 0.5 else crop


def test_images_are_cropped_and_mirrored_as_by_a_loop():
    expected = torch.stack([naive(*pair) for pair in zip(IMAGES, DRAWN, strict=True)])
    assert torch.equal(augmented(IMAGES, DRAWN), expected)


def test_a_jitter_scales_and_shifts_each_colour_and_no_more_than_it_should():
    moved, changed = augmented(IMAGES, DRAWN), augmented(IMAGES, DRAWN, jitter=True)
    x, y = moved.flatten(2).double(), changed.flatten(2).double()
    spread = x - x.mean(2, keepdim=True)
    scale = (spread * y).sum(2) / spread.square().sum(2)  # by least squares
    shift = y.mean(2) - scale * x.mean(2)
    torch.testing.assert_close(y, scale[..., None] * x + shift[..., None], atol=1e-5, rtol=0)
    for found in (scale - 1, shift):
        assert found.abs().max() <= STRENGTH + 1e-5
        # The largest of 600 even draws falls short of the bound by a 100th with a chance of 0.25 %.
        assert found.abs().max() > 0.98 * STRENGTH
        assert found.std(1).min() > 0  # colours differ


@pytest.mark.parametrize("jitter", [False, True])
@pytest.mark.parametrize("device", DEVICES)
def test_every_device_makes_the_same_bits(device, jitter):
    there = augmented(IMAGES.to(device), DRAWN.to(device), jitter=jitter).cpu()
    assert torch.equal(there, augmented(IMAGES, DRAWN, jitter=jitter))


def test_images_without_colour_are_changed_too():
    assert augmented(IMAGES[:, :1], DRAWN, jitter=True).shape == (200, 1, 9, 8)


def test_each_epoch_shows_other_images_and_a_seed_the_same_ones_again(monkeypatch):
    shown = []
    original = convolutional.losses_of
    monkeypatch.setattr(
        convolutional, "losses_of", lambda *given: shown.append(given[2]) or original(*given)
    )
    usual = {"dataset": "digits", "architecture": "conv", "model": "bp", "layers": 1, "hidden": 2}
    usual |= {"batch_size": 1500, "precision": "float32"}
    e = Experiment(**usual, epochs=2, augment="crop-flip")
    for _ in "12":
        train(e, "cpu", progress=False)
    first, second, again, more = shown
    assert torch.equal(first, again)
    assert torch.equal(second, more)
    sums = [images.sum(1).sort().values for images in (first, second)]
    assert not torch.allclose(*sums)  # more than another order
    train(Experiment(**usual, epochs=1), "cpu", progress=False)
    plain = e.data().pixels("train")
    assert torch.equal(shown[-1].sort(0).values, plain.sort(0).values)
