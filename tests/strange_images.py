"""Image files that are damaged or strange, always the same ones for a seed.

``python tests/strange_images.py FOLDER COUNT SEED`` makes them and reads each; it prints, as JSON, what
went otherwise than it should, how many processor seconds the slowest took and how much memory the process came to need.
"""

import io
import json
import random
import re
import struct
import sys
import time
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from fflib.data.images import MOST, formats, read_picture
from fflib.errors import DataError

SUFFIXES = ("png", "bmp", "gif", "tif", "webp", "ppm", "jpg")


def stored(pixels, suffix, **options):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, formats()[f".{suffix}"], **options)
    return out.getvalue()


def picture(rng):
    """Pixels, grey or in colour."""
    shape = (rng.randrange(1, 40), rng.randrange(1, 40), *rng.choice([(), (3,)]))
    return np.random.default_rng(rng.randrange(2**32)).integers(0, 256, shape, np.uint8)


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def png(width, height, rows, *, depth=8, colour=0, more=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + more
        + chunk(b"IDAT", zlib.compress(rows, 1))
        + chunk(b"IEND", b"")
    )


# Each makes a suffix, the content of a file, and what is to be seen: pixels, None where it is to be
# refused, or ... where damage may go unseen.


def cut(rng):
    """Only a beginning."""
    suffix = rng.choice(SUFFIXES)
    content = stored(picture(rng), suffix)
    return suffix, content[: rng.randrange(len(content))], ...


def flipped(rng):
    """Some bits are others, often in the header."""
    suffix = rng.choice(SUFFIXES)
    content = bytearray(stored(picture(rng), suffix))
    for _ in range(rng.choice([1, 2, 8])):
        content[rng.randrange(rng.choice([min(60, len(content)), len(content)]))] ^= (
            1 << rng.randrange(8)
        )
    return suffix, bytes(content), ...


def noise(rng):
    """Anything at all, or the mark of a format and then anything."""
    mark = rng.choice(
        [b"", b"GIF89a", b"BM", b"\xff\xd8\xff\xe0", b"II*\0", b"RIFF\0\1\0\0WEBPVP8X", b"P5 "]
    )
    return rng.choice(SUFFIXES), mark + rng.randbytes(rng.randrange(300)), None if not mark else ...


def nothing(rng):
    """An empty file, a page, a program."""
    return (
        rng.choice(SUFFIXES),
        rng.choice([b"", b"<html>404", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"MZ"]),
        None,
    )


def promised(rng):
    """A header that promises far more pixels than there are."""
    side = rng.choice([9000, 20_000, 65_000, 2**31 - 1])
    suffix = rng.choice(["png", "ppm", "bmp", "gif", "tif"])
    content = {
        "png": png(side, side, bytes(100)),
        "ppm": b"P5 %d %d 255\n" % (side, side) + bytes(100),
        "bmp": b"BM"
        + struct.pack("<IIIIiiHHIIIIII", 154, 0, 54, 40, side, -side, 1, 24, 0, 0, 0, 0, 0, 0)
        + bytes(100),
        "gif": b"GIF89a"
        + struct.pack("<HHBBB", side % 65_000, side % 65_000, 0x80, 0, 0)
        + bytes(60),
        "tif": b"II*\0\x08\0\0\0"
        + struct.pack("<H", 3)
        + b"".join(
            struct.pack("<HHII", tag, 4, 1, value)
            for tag, value in ((256, side), (257, side), (273, 8))
        )
        + bytes(40),
    }[suffix]
    return suffix, content, None


def bomb(rng):
    """Many equal pixels in few bytes: within the bounds they are read, beyond refused."""
    width, height = rng.choice([(4000, 3000), (1, 400_000), (400_000, 1), (20_000, 4000)])
    seen = None if width * height > MOST else "grey"
    return "png", png(width, height, bytes((width + 1) * height)), seen


def texts(rng):
    """A picture with text that becomes long when it is unpacked."""
    text = b"Comment\0\0" + zlib.compress(bytes(rng.choice([1000, 50_000_000])), 9)
    return "png", png(2, 2, b"\0\7\7\0\7\7", more=chunk(b"zTXt", text)), ...


def tags(rng):
    """A photograph with a directory of tags that is none, or with a tag that no camera writes."""
    exif = Image.Exif()
    exif[0x0112] = rng.choice([0, 9, 77, 2**16 - 1])
    content = rng.choice(
        [exif.tobytes(), b"Exif\0\0" + rng.randbytes(40), b"Exif\0\0II*\0\xff\xff\xff\xff"]
    )
    pixels = np.full((16, 16), rng.randrange(256), np.uint8)
    return "jpg", stored(pixels, "jpg", exif=content, quality=100), ...


def other_ending(rng):
    """A picture whose ending is that of another format."""
    pixels = picture(rng)
    kind, suffix = rng.sample(["png", "bmp", "tif"], 2)
    return suffix, stored(pixels, kind), pixels


def mode(rng):
    """A sound picture in one of the modes in which files come."""
    pixels = picture(rng)
    grey = pixels if pixels.ndim == 2 else pixels[..., 0].copy()
    made = rng.choice(["bit", "palette", "deep", "alpha", "grey alpha", "interlaced"])
    if made == "bit":
        return "png", stored(grey > 99, "png"), 255 * (grey > 99)
    if made == "palette":
        few = Image.fromarray(pixels).convert("RGB").quantize(8)
        out = io.BytesIO()
        few.save(out, rng.choice(["PNG", "GIF", "BMP", "TIFF"]))
        return "png", out.getvalue(), np.asarray(few.convert("RGB"))
    if made == "deep":
        return "tif", stored(grey.astype(np.uint16) * 257, "tif"), grey
    if made == "grey alpha":
        pair = np.stack([grey, np.full_like(grey, 255)], axis=-1)
        out = io.BytesIO()
        Image.fromarray(pair, "LA").save(out, "PNG")
        return "png", out.getvalue(), grey
    if made == "alpha":
        four = np.dstack([grey, grey, grey, np.zeros_like(grey)])
        return "png", stored(four, "png"), np.full_like(grey, 128)
    return "png", png(3, 1, b"\0\1\2\3"), np.array([[1, 2, 3]])


KINDS = (cut, flipped, noise, nothing, promised, texts, tags, other_ending, mode, mode)
RARE = 50  # one in so many is a bomb, which takes a while


def fault(path, seen):
    """What is wrong with how a file is read; "" if nothing."""
    try:
        found = read_picture(path)
    except DataError as error:
        said = str(error)
        if not said.startswith(str(path)) or len(said.splitlines()) != 1 or len(said) > 400:
            return f"said: {said}"
        return "" if seen is None or seen is ... else f"refused: {said}"
    if seen is None:
        return "read, which it should not have been"
    if isinstance(seen, np.ndarray) and max(seen.shape) <= 32:
        colours = np.broadcast_to(seen[..., None] if seen.ndim == 2 else seen, (*seen.shape[:2], 3))
        if not np.array_equal(np.asarray(found.image.convert("RGB")), colours):
            return "other pixels"
    return ""


def main(folder, count, seed):
    rng = random.Random(seed)
    faults, slowest, kinds = [], 0.0, {}
    for number in range(count):
        make = bomb if number % RARE == 0 else rng.choice(KINDS)
        suffix, content, seen = make(rng)
        path = folder / f"{number}.{suffix}"
        path.write_bytes(content)
        begun = time.process_time()
        if wrong := fault(path, seen):
            faults.append(f"{make.__name__} {path.name}: {wrong}")
        slowest = max(slowest, time.process_time() - begun)
        kinds[make.__name__] = kinds.get(make.__name__, 0) + 1
    # Not what getrusage says, which begins with what the process that started this one had.
    status = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024
    return {"faults": faults, "slowest": slowest, "megabytes": peak, "kinds": kinds}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
