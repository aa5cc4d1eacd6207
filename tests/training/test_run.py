"""What a run says of the images that it is evaluated on."""

import torch

import fflib


def test_correct_images_are_those_that_get_their_own_label():
    experiment = fflib.Experiment(
        model="bp", dataset="digits", hidden=32, epochs=2, learning_rate=0.01, hold_out=3
    )
    run = fflib.train(experiment, "cpu", progress=False)
    pixels, labels = run.images("test")
    right = run.correct("test")
    assert right.shape == labels.shape
    assert 3 not in labels
    assert torch.equal(right, run.network.predict(pixels) == labels)
    assert 0 < right.sum() < len(right)
    assert run.accuracy == float(right.double().mean())
    assert torch.equal(run.activations("test").labels, labels[right])
    assert torch.equal(run.correct("test", first=50), right[:50])
