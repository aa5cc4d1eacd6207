"""The panel to draw a digit in: it sees what was drawn, and answers as the package does."""

import json
import os

import numpy as np
import pytest
import torch
from access import inaccessible
from panels import assert_fits_and_is_read, opening, said, whole, written

import fflib
from fflib.book.explorers import quantised
from fflib.book.explorers.handwriting import explore_handwriting
from fflib.measures.readout import decode
from fflib.networks.dense import NO_LABEL

PANEL = "[data-explorer=handwriting]"
NONE = 10  # the place of no label among the labels
# Seconds that an answer may take where the processor is four times slower.
SLOWER, SOON = 4, 0.3

# Ink on the sheet, and the reader's hand lifted: from then on it is the page's own path.
PAINT = """(pad, [levels, side]) => {
  const image = new ImageData(280, 280), size = 280 / side;
  for (let at = 0; at < 280 * 280; at++) {
    const level = levels[Math.floor(Math.floor(at / 280) / size) * side + Math.floor(at % 280 / size)];
    image.data.set([level, level, level, 255], 4 * at);
  }
  pad.getContext('2d').putImageData(image, 0, 0);
  const start = performance.now();
  pad.dispatchEvent(new PointerEvent('pointerup'));
  return performance.now() - start;
}"""
LEVELS = """(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return [...data].filter((_, at) => at % 4 === 0);
}"""


@pytest.fixture(scope="module")
def site(kept, tmp_path_factory):
    return written(tmp_path_factory.mktemp("site"), explore_handwriting(kept))


@pytest.fixture
def opened(browser, site):
    with opening(browser, site) as opener:
        yield opener


@pytest.fixture
def panel(opened):
    return opened().locator(PANEL)


def paint(panel, image):
    """Bring a square image onto the sheet; how long the answer took, in seconds."""
    pad = panel.locator(".pad")
    return pad.evaluate(PAINT, [image.ravel().tolist(), len(image)]) / 1000


def seen(panel):
    """The image that the network sees, label included."""
    return np.reshape(panel.locator(".seen").evaluate(LEVELS), (28, 28)).astype(np.uint8)


def sheet(panel):
    return np.reshape(panel.locator(".pad").evaluate(LEVELS), (280, 280))


def centred(ink):
    """A drawing as an image of MNIST, the slow way: by so many copies that all blocks are whole."""
    image = np.zeros((28, 28))
    if not ink.any():
        return image
    rows, columns = np.nonzero(ink)
    box = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].astype(float)
    sizes = [max(1, int(np.floor(size * 20 / max(box.shape) + 0.5))) for size in box.shape]
    for size, parts in zip(box.shape, sizes, strict=True):
        box = np.repeat(box, parts, axis=0).reshape(parts, size, -1).mean(axis=1).T
    middle = [(box * places).sum() / box.sum() for places in np.indices(box.shape)]
    down, across = (int(np.floor(14 - centre + 0.5)) for centre in middle)
    for (y, x), level in np.ndenumerate(box):
        if 0 <= y + down < 28 and 0 <= x + across < 28:
            image[y + down, x + across] = level
    return image


def assert_sees(panel, ink):
    """What the panel sees of ink is what it should be, label apart."""
    expected = centred(ink).ravel()[10:]
    # The page rounds to whole levels.
    np.testing.assert_allclose(seen(panel).ravel()[10:], expected, rtol=0, atol=0.5 + 1e-6)


def assert_says(panel, kept, image):
    """What the panel says is what the package computes for an image of bytes, shape (28, 28)."""
    shown, pixels = said(panel), kept.standardise(image[None])
    lit = int(shown["lit"])
    none = kept.network.activations(pixels, torch.tensor([NO_LABEL]))
    expected = kept.network.layer_scores(pixels)[0].numpy()
    expected = np.column_stack([expected, [float(h.norm()) for h in none]])
    # Single precision against double.
    np.testing.assert_allclose(json.loads(shown["goodness"]), expected, rtol=1e-4, atol=1e-5)
    assert int(shown["answer"]) == kept.network.predict(pixels).item()
    carried = torch.tensor([NO_LABEL if lit == NONE else lit])
    hidden = kept.network.activations(pixels, carried)
    reads = [int(decode(h, own)[0]) for h, own in zip(hidden, kept.ensembles, strict=True)]
    assert whole(shown["reads"]) == reads
    return shown


def draw(panel, points):
    """Draw a line with the mouse through points on the sheet, in pixels."""
    panel.locator(".pad").scroll_into_view_if_needed()
    box = panel.locator(".pad").bounding_box()
    mouse = panel.page.mouse
    places = [
        (box["x"] + x / 280 * box["width"], box["y"] + y / 280 * box["height"]) for x, y in points
    ]
    mouse.move(*places[0])
    mouse.down()
    for place in places[1:]:
        mouse.move(*place, steps=2)
    mouse.up()


def test_a_drawing_is_brought_to_the_form_of_the_images(panel, kept):
    rng = np.random.default_rng(0)
    for _ in range(4):
        panel.get_by_role("button", name="New sheet").click()
        assert not sheet(panel).any()
        for _ in range(rng.integers(1, 4)):
            draw(panel, rng.uniform(10, 270, (4, 2)))
        assert_sees(panel, sheet(panel))
        assert_says(panel, kept, seen(panel))


def test_a_dot_and_a_line_are_drawings_too(panel, kept):
    for points in ([(30, 40), (30, 40)], [(20, 100), (250, 100)], [(5, 5), (5, 279)]):
        panel.get_by_role("button", name="New sheet").click()
        draw(panel, points)
        assert_sees(panel, sheet(panel))
        assert_says(panel, kept, seen(panel))


def test_the_page_answers_as_the_network_does(panel, narrow, kept):
    images = narrow.data.test.images.numpy()[:100]
    for image in images:
        paint(panel, image)
        assert_says(panel, kept, seen(panel))


def test_the_label_is_set_true_wrong_and_off_and_the_image_erased(panel, kept):
    button = {
        name: panel.get_by_role("button", name=name)
        for name in ("its own", "a wrong one", "off", "erase it")
    }
    for digit in (3, 8):
        panel.locator(".samples button").nth(digit).click()
        shown = assert_says(panel, kept, seen(panel))
        assert (shown["digit"], shown["lit"], shown["erased"]) == (str(digit), str(digit), "false")
        assert_sees(panel, kept.images[digit])
        found = []
        for _ in range(9):
            button["a wrong one"].click()
            shown = assert_says(panel, kept, seen(panel))
            found.append(int(shown["lit"]))
            assert f"A wrong label, {found[-1]}, is lit." in panel.locator(".said").inner_text()
        assert sorted(found) == [label for label in range(10) if label != digit]
        button["off"].click()
        assert assert_says(panel, kept, seen(panel))["lit"] == str(NONE)
        assert "No label is lit." in panel.locator(".said").inner_text()
        button["its own"].click()
        assert assert_says(panel, kept, seen(panel))["lit"] == str(digit)
        button["erase it"].click()
        assert button["erase it"].get_attribute("aria-pressed") == "true"
        shown = assert_says(panel, kept, np.zeros((28, 28), np.uint8))
        assert (shown["lit"], shown["erased"]) == (str(digit), "true")
        assert not seen(panel).ravel()[10:].any()
        assert seen(panel).ravel()[digit] == 255
        assert f"Only the label {digit} is lit." in panel.locator(".said").inner_text()
        button["erase it"].click()
        assert assert_says(panel, kept, seen(panel))["erased"] == "false"


def test_a_layer_follows_the_image_the_label_both_or_neither(panel):
    panel.locator(".samples button").nth(2).click()
    for label in range(NONE + 1):
        panel.locator(".lit label").nth(label).click()
        shown = said(panel)
        assert shown["lit"] == str(label)
        for read, kind in zip(whole(shown["reads"]), shown["kinds"].split(), strict=True):
            of_image, of_label = read == 2, read == label
            assert kind == ["rest", "other", "own", "both"][2 * of_image + of_label]


def test_an_empty_sheet_has_nothing_to_say(panel, kept):
    panel.get_by_role("button", name="New sheet").click()
    shown = assert_says(panel, kept, np.zeros((28, 28), np.uint8))
    assert (shown["digit"], shown["lit"]) == ("", str(NONE))
    assert panel.locator(".answer").inner_text() == "Draw a digit"
    assert panel.get_by_role("button", name="a wrong one").is_disabled()


def test_the_keyboard_draws_and_chooses(panel, kept):
    keyboard = panel.page.keyboard
    keyboard.press("Tab")
    pad = panel.locator(".pad")
    assert pad.evaluate("(node) => node === document.activeElement")
    keyboard.press("Delete")
    assert not sheet(panel).any()
    keyboard.press("ArrowUp")
    assert not sheet(panel).any()  # the pen is up
    keyboard.press("Space")
    for _ in range(5):
        keyboard.press("ArrowDown")
    keyboard.press("Space")
    keyboard.press("ArrowRight")
    panel.page.wait_for_function(f"document.querySelector('{PANEL}').dataset.digit !== ''")
    ink = sheet(panel)
    assert 13 * ink.any(axis=1).sum() > 26 * ink.any(axis=0).sum()  # a stroke from top to bottom
    assert_says(panel, kept, seen(panel))
    assert "The pen is up" in panel.locator(".pen").inner_text()
    panel.locator(".lit input:checked").focus()
    lit = int(said(panel)["lit"])
    keyboard.press("ArrowRight")
    shown = assert_says(panel, kept, seen(panel))
    assert int(shown["lit"]) == lit + 1
    labelled = panel.locator(".lit label:has(:checked)")
    assert labelled.evaluate("(node) => getComputedStyle(node).outlineStyle") == "solid"


def test_a_finger_draws_on_a_phone(opened, kept):
    phone = {"width": 390, "height": 844}
    page = opened(viewport=phone, has_touch=True, is_mobile=True, device_scale_factor=2)
    panel = page.locator(PANEL)
    panel.get_by_role("button", name="New sheet").tap()
    panel.locator(".pad").scroll_into_view_if_needed()
    box, before = panel.locator(".pad").bounding_box(), page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)

    def at(kind, y):
        points = [] if y is None else [{"x": box["x"] + box["width"] / 2, "y": box["y"] + y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    at("touchStart", 40)
    for y in range(50, int(box["height"]) - 40, 10):
        at("touchMove", y)
    at("touchEnd", None)
    page.wait_for_function(f"document.querySelector('{PANEL}').dataset.digit !== ''")
    assert page.evaluate("scrollY") == before
    assert sheet(panel).any(axis=1).sum() > 150
    assert_says(panel, kept, seen(panel))
    for control in panel.locator("button, .lit label").all():
        size = control.bounding_box()
        assert min(size["width"], size["height"]) >= 24  # what a finger can hit, WCAG 2.2


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_panel_fits_the_screen_and_is_read_in_either_theme(opened, theme, width):
    panel = opened(theme, viewport={"width": width, "height": 900}).locator(PANEL)
    assert_fits_and_is_read(panel)
    # Every square of a layer is drawn: as many colours as there are levels of activity.
    for cells in panel.locator(".cells").all():
        assert len(set(cells.evaluate(LEVELS))) > 2


def test_everybody_can_read_it(panel):
    assert list(inaccessible(panel.page)) == []


def test_an_answer_takes_no_time_on_a_slow_machine(browser, tmp_path):
    published = quantised.find(quantised.tried())
    with opening(browser, written(tmp_path, explore_handwriting(published))) as opener:
        page = opener()
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        image = published.images[7]
        taken = [paint(page.locator(PANEL), np.roll(image, k, axis=1)) for k in range(-4, 5)]
    # Whatever else the machine does can only make it later.
    assert min(taken) < SOON


def test_without_scripts_the_table_remains(opened, kept):
    page = opened(java_script_enabled=False)
    assert page.locator(PANEL).is_hidden()
    page.locator("details.fflib-table summary").click()
    assert page.locator("details.fflib-table tbody tr").count() == len(kept.images)


@pytest.mark.skipif(
    not os.environ.get("FFLIB_DATA"), reason="needs MNIST: set FFLIB_DATA to the folder that has it"
)
def test_a_hundred_test_images_are_seen_and_answered_as_they_should_be(browser, tmp_path):
    published = quantised.find(quantised.tried())
    images = fflib.data.load("mnist", download=False).test.images[:100].numpy()
    same = 0
    with opening(browser, written(tmp_path, explore_handwriting(published))) as opener:
        panel = opener().locator(PANEL)
        for image, before in zip(images, published.answers[:100], strict=True):
            paint(panel, image)
            # The way of a drawing leaves an image of MNIST as it is: it was made in that way.
            np.testing.assert_array_equal(seen(panel).ravel()[10:], image.ravel()[10:])
            same += int(assert_says(panel, published, image)["answer"]) == before
    assert same >= 98
