"""How two screenshots differ. The same two give the same answer."""

import io
from dataclasses import dataclass

from PIL import Image, ImageChops

from seatrial.control.previews.errors import NotComparable
from seatrial.wire.screenshots import MOST_HEIGHT, MOST_WIDTH

# Of 255, in any colour: less is how the edges of letters are smoothed, and nobody sees it
LEAST = 25
FADED = 0.25  # what has not changed, in the picture of the difference
MARK = (214, 0, 88)
COLOURS = 64


@dataclass(frozen=True)
class Difference:
    """`changed`: percent of the larger picture. `png`: the newer one, faded, with what changed marked."""

    changed: float
    png: bytes


def difference(before: bytes, after: bytes) -> Difference:
    """Compare them from their upper left corners; what only one of them covers has changed. Raises NotComparable."""
    old, new = opened(before), opened(after)
    size = max(old.width, new.width), max(old.height, new.height)
    changed = ImageChops.lighter(_marked(_on(size, old), _on(size, new)), _uncovered(size, old, new))
    count = changed.histogram()[255]
    return Difference(100 * count / (size[0] * size[1]), _drawn(_on(size, new), changed))


def opened(png: bytes) -> Image.Image:
    """The picture, of at most the size that one may have. Raises NotComparable."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            if image.width > MOST_WIDTH or image.height > MOST_HEIGHT:
                raise NotComparable("it is larger than screenshots are")
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise NotComparable("it is no picture") from error


def _on(size: tuple[int, int], image: Image.Image) -> Image.Image:
    canvas = Image.new("RGB", size, "white")
    canvas.paste(image)
    return canvas


def _marked(old: Image.Image, new: Image.Image) -> Image.Image:
    """White where they differ in any colour, black elsewhere."""
    red, green, blue = ImageChops.difference(old, new).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return most.point([255 if value >= LEAST else 0 for value in range(256)])


def _uncovered(size: tuple[int, int], old: Image.Image, new: Image.Image) -> Image.Image:
    """White where only one of them is."""
    covered = []
    for image in (old, new):
        mask = Image.new("L", size, 0)
        mask.paste(255, (0, 0, *image.size))
        covered.append(mask)
    return ImageChops.difference(*covered)


def _drawn(new: Image.Image, changed: Image.Image) -> bytes:
    paper = Image.new("RGB", new.size, "white")
    picture = Image.blend(paper, new.convert("L").convert("RGB"), FADED)
    picture.paste(MARK, (0, 0), changed)
    out = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
