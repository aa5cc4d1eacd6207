"""A picture is read as it is meant to be seen, whatever the format, the mode and the tags of its file."""

import io
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, features
from PIL.PngImagePlugin import PngImageFile

from fflib.data.images import BACKGROUND, LARGEST, SIDE, brought_to, formats, read_picture, stacked
from fflib.errors import DataError

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (9, 12), np.uint8)
COLOUR = RNG.integers(0, 256, (9, 12, 3), np.uint8)


def stored(image, suffix="png", **options):
    """What is read of an image after it has been written to a file."""
    out = io.BytesIO()
    image.save(out, formats()[f".{suffix}"], **options)
    return read_picture(Path(f"x.{suffix}"), read=lambda _: out.getvalue())


def pixels(picture):
    return np.asarray(picture.image)


@pytest.mark.parametrize("suffix", ["png", "bmp", "pgm", "tif", "tiff", "gif", "webp"])
@pytest.mark.parametrize("mode", ["grey", "colour", "palette"])
def test_formats_without_loss_show_the_same_picture(suffix, mode):
    few = Image.fromarray(COLOUR).quantize(16)
    image = {"grey": Image.fromarray(GREY), "colour": few.convert("RGB"), "palette": few}[mode]
    if suffix == "pgm":
        suffix = "ppm" if mode != "grey" else suffix
        image = image.convert("RGB") if mode != "grey" else image
    options = {"lossless": True} if suffix == "webp" else {}
    picture = stored(image, suffix, **options)
    shown = np.asarray(image.convert("RGB"))
    assert (np.asarray(picture.image.convert("RGB")) == shown).all()
    assert picture.digest == stored(Image.fromarray(shown)).digest
    assert picture.remarks == ()


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_each_orientation_tag_is_obeyed(tag, suffix):
    """By the EXIF standard: what is to be done with the stored rows to see the picture upright."""
    upright = np.kron(np.array([[250, 130, 10], [70, 190, 20]]), np.ones((8, 8))).astype(np.uint8)
    stored_as = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright, 1),
        7: upright.T[::-1, ::-1],
        8: np.rot90(upright, -1),
    }[tag]
    image = Image.fromarray(np.ascontiguousarray(stored_as))
    exif = Image.Exif()
    exif[0x0112] = tag
    options = {"quality": 100} if suffix in ("jpg", "webp") else {}
    picture = stored(image, suffix, exif=exif, **options)
    assert picture.size == (24, 16)
    seen = np.asarray(picture.image.convert("L"))
    # Both codecs keep plain blocks within a few steps of 255, and blocks differ by at least 10.
    assert np.abs(seen.astype(int) - upright).max() <= 6


def test_ink_that_is_in_the_alpha_channel_alone_is_seen_whatever_its_colour():
    for ink in (0, 255):
        rgba = np.full((8, 8, 4), ink, np.uint8)
        rgba[..., 3] = 0
        rgba[2:4, 2:4, 3] = 255
        picture = stored(Image.fromarray(rgba))
        assert (pixels(picture)[2:4, 2:4] == ink).all()
        assert (pixels(picture)[:2] == BACKGROUND).all()
        assert picture.remarks == (f"transparent parts laid on grey, {BACKGROUND} of 255",)


@pytest.mark.parametrize(
    "kind", ["LA", "palette", "gif", "grey key", "colour key", "palette alpha"]
)
def test_transparency_is_understood_however_it_is_stored(kind):
    shape = np.zeros((8, 8), np.uint8)
    shape[2:4, 2:4] = 1
    ink, options, suffix = np.where(shape, 200, 7).astype(np.uint8), {}, "png"
    if kind == "LA":
        image = Image.fromarray(np.stack([ink, 255 * shape], axis=-1), "LA")
    elif kind == "grey key":
        image, options = Image.fromarray(ink), {"transparency": 7}
    elif kind == "colour key":
        image = Image.fromarray(np.stack([ink] * 3, axis=-1))
        options = {"transparency": (7, 7, 7)}
    else:
        image = Image.fromarray(shape).convert("P")
        image.putpalette([7, 7, 7, 200, 200, 200])
        suffix = "gif" if kind == "gif" else "png"
        options = {"transparency": bytes([0, 255]) if kind == "palette alpha" else 0}
    picture = stored(image, suffix, **options)
    seen = np.asarray(picture.image.convert("L"))
    assert (seen == np.where(shape, 200, BACKGROUND)).all()


def test_half_transparent_ink_is_mixed_with_the_background():
    picture = stored(Image.new("RGBA", (8, 8), (255, 0, 128, 128)))
    # Rounding in 8 bits, once for the product and once for the sum.
    assert np.abs(pixels(picture)[0, 0].astype(int) - [192, 64, 128]).max() <= 1


def test_an_alpha_channel_that_hides_nothing_changes_nothing():
    opaque = np.dstack([COLOUR, np.full(GREY.shape, 255, np.uint8)])
    picture = stored(Image.fromarray(opaque))
    assert picture.digest == stored(Image.fromarray(COLOUR)).digest
    assert picture.remarks == ()


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_become_eight_of_equal_brightness(suffix):
    deep = stored(Image.fromarray(GREY.astype(np.uint16) * 257), suffix)
    assert deep.digest == stored(Image.fromarray(GREY)).digest
    assert deep.remarks == ("16 bits brought to 8, with 65535 as white",)


def test_numbers_that_are_no_brightness_are_refused():
    for image in (Image.fromarray(np.full((4, 4), -1, np.int32)), Image.new("F", (4, 4), 0.5)):
        with pytest.raises(
            DataError, match=r"^x\.tif: .* must have 8 or 16 bits .* mode of this is"
        ):
            stored(image, "tif")


def test_four_inks_give_the_colours_they_print():
    cyan = stored(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), "jpg", quality=100)
    assert np.abs(pixels(cyan).astype(int) - [0, 255, 255]).max() <= 3  # JPEG's rounding


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_of_several_frames_the_first_is_taken_and_it_is_said(suffix):
    frames = [Image.new("L", (8, 8), value) for value in (10, 200)]
    options = {"lossless": True} if suffix == "webp" else {}
    picture = stored(frames[0], suffix, save_all=True, append_images=frames[1:], **options)
    assert (pixels(picture) == 10).all()
    assert picture.remarks == ("the first of several frames taken",)


def test_one_bit_is_black_and_white():
    assert sorted(np.unique(pixels(stored(Image.fromarray(GREY > 128))))) == [0, 255]


def test_grey_stored_as_colour_is_grey_and_one_colour_among_grey_makes_three_channels():
    grey, also = Image.fromarray(GREY), Image.fromarray(GREY).convert("RGB")
    assert stacked([grey, also]).shape == (2, 9, 12)
    mixed = stacked([grey, Image.fromarray(COLOUR)])
    assert mixed.shape == (2, 3, 9, 12)
    assert (mixed[0] == mixed[0, :1]).all()
    assert (mixed[1].permute(1, 2, 0).numpy() == COLOUR).all()


def test_small_pictures_of_one_size_stay_as_they_are_and_others_become_squares():
    small = stored(Image.fromarray(GREY))
    assert brought_to([small, small], None) == ([small.image] * 2, False)
    other = stored(Image.new("L", (12, 10)))
    images, changed = brought_to([small, other], None)
    assert {image.size for image in images} == {(SIDE, SIDE)}
    assert changed
    large = stored(Image.new("L", (LARGEST + 1, LARGEST)))
    assert large.image.size == (SIDE, SIDE)
    assert large.size == (LARGEST + 1, LARGEST)


def test_what_is_kept_of_a_large_picture_is_the_square_around_its_middle():
    wide = np.zeros((50, 150), np.uint8)
    wide[:, 50:100], wide[:, 75:100] = 100, 200
    seen = pixels(stored(Image.fromarray(wide)))
    # At its edges the filter sees two pixels of what is beyond them.
    assert (np.abs(seen[:, 2:10].astype(int) - 100) <= 1).all()
    assert (np.abs(seen[:, -10:-2].astype(int) - 200) <= 1).all()


def test_a_pixel_of_a_large_picture_changes_its_digest():
    large = RNG.integers(0, 256, (60, 80), np.uint8)
    before = stored(Image.fromarray(large))
    large[30, 40] ^= 1
    assert stored(Image.fromarray(large)).digest != before.digest


def test_the_formats_of_phones_are_read_where_there_is_a_reader(monkeypatch):
    """A module of the name of the optional reader, which takes PNG for HEIF."""
    reader = ModuleType("pillow_heif")

    def register_heif_opener():
        Image.register_open(
            "HEIF", PngImageFile, lambda beginning: beginning.startswith(b"\x89PNG")
        )
        Image.register_extension("HEIF", ".heic")

    reader.register_heif_opener = register_heif_opener
    monkeypatch.setitem(sys.modules, "pillow_heif", reader)
    for table in (Image.OPEN, Image.EXTENSION):
        for name in ("HEIF", ".heic"):
            monkeypatch.setitem(table, name, None)
            monkeypatch.delitem(table, name)
    monkeypatch.setattr(Image, "ID", [*Image.ID])
    formats.cache_clear()
    try:
        out = io.BytesIO()
        Image.fromarray(GREY).save(out, "PNG")
        assert (pixels(read_picture(Path("x.heic"), read=lambda _: out.getvalue())) == GREY).all()
        assert formats()[".heic"] == "HEIF"
    finally:
        formats.cache_clear()


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow was built without AVIF")
def test_avif_is_read_where_pillow_can():
    seen = pixels(stored(Image.new("L", (16, 16), 90), "avif", quality=90))
    assert np.abs(seen.astype(int) - 90).max() <= 3  # a lossy format, of a plain picture


def test_pictures_of_the_same_bytes_and_another_shape_differ():
    assert stored(Image.new("L", (4, 9))).digest != stored(Image.new("L", (9, 4))).digest
