"""Pictures on a page, and the regions drawn on them.

Coordinates inside a drawing are user units: a picture is WIDTH units wide, boxes are normalised XYXY and scaled to it. Lines
have a white edge under them, so that they show on any picture. Every element of a word or a region has its key as data-key,
for the linked highlighting (`hgan.visualize.linked`).
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from ..retrieval.results import NodeTerms
from .charts import escape, number

WIDTH = 640.0
HIGHLIGHT = "#D55E00"  # Okabe-Ito vermilion: no level has it
Box = tuple[float, float, float, float]  # XYXY in drawing units
MARKED = 5  # regions that are highlighted


@dataclass(frozen=True)
class Picture:
    """A picture ready for a page: its data URI and its size in pixels."""

    uri: str
    width: int
    height: int

    @property
    def drawn_height(self) -> float:
        """In drawing units."""
        return WIDTH * self.height / self.width


def read_picture(data: bytes) -> Picture:
    """The bytes of a thumbnail, a WebP file, unchanged.

    Raises:
        ValueError: it is not a WebP picture.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
            return _picture(data, "webp", image.size)
    except (OSError, ValueError, SyntaxError):
        raise ValueError(
            "got a thumbnail that is not a WebP picture, but expected one: build the gallery again"
        ) from None


def shrink_picture(image: Image.Image, longest: int = 640) -> Picture:
    """A decoded RGB picture, its longest side at most `longest` pixels."""
    small = image.copy()
    small.thumbnail((longest, longest))
    data = io.BytesIO()
    small.save(data, "WEBP", quality=85)
    return _picture(data.getvalue(), "webp", small.size)


def _picture(data: bytes, kind: str, size: tuple[int, int]) -> Picture:
    return Picture(f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}", *size)


def strongest(nodes: list[NodeTerms]) -> list[NodeTerms]:
    """Words or regions, the largest contribution first."""
    return sorted(nodes, key=lambda node: -node.total)


def numbered(regions: list[NodeTerms]) -> dict[int, int]:
    """Region index -> the number it has in every drawing: 1 for the largest contribution."""
    return {node.index: place for place, node in enumerate(strongest(regions), 1)}


def word_key(index: int) -> str:
    """What names a word in every drawing."""
    return f"w{index}"


def region_key(index: int) -> str:
    """What names a region in every drawing."""
    return f"r{index}"


def regions_drawing(regions: list[NodeTerms], picture: Picture) -> str:
    """The regions on the picture: the strongest with number and name, other objects as thin boxes, cells dashed.

    Small boxes lie over large ones, so that each can be pointed at.
    """
    place, height = numbered(regions), picture.drawn_height
    boxes = {node.index: scaled(node, height) for node in regions}
    by_area = sorted(regions, key=lambda node: -_area(boxes[node.index]))
    shapes = [_outline(node, boxes[node.index], place[node.index]) for node in by_area]
    badges: list[str] = []
    taken: list[Box] = []
    for node in strongest(regions):
        text = f"{place[node.index]} {node.label}"
        badge = _free_corner(boxes[node.index], 13.0 * len(text) + 14, 30.0, height, taken)
        taken.append(badge)
        badges.append(_badge(text, badge, region_key(node.index), place[node.index] > MARKED))
    names = ", ".join(node.label for node in strongest(regions)[:MARKED])
    words = f"The picture with its regions; strongest first: {names}"
    return over_picture(picture, words, 1.0, shapes + badges[::-1])


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _outline(node: NodeTerms, box: Box, place: int) -> str:
    """A box in its white edge; the whole of it answers to the pointer."""
    dash = ' stroke-dasharray="10 7"' if node.kind == "context" else ""
    shape = f'x="{box[0]:.1f}" y="{box[1]:.1f}" width="{box[2] - box[0]:.1f}" height="{box[3] - box[1]:.1f}"{dash}'
    strong = place <= MARKED
    line = 6.0 if place == 1 else 3.5
    under = (
        f'stroke="#fff" stroke-width="{line + 3}"'
        if strong
        else 'stroke="#fff" stroke-opacity=".55" stroke-width="1.5"'
    )
    over = f'stroke="{HIGHLIGHT}" stroke-width="{line}"' if strong else ""
    return (
        f'<g class="hg-region" data-key="{region_key(node.index)}"><rect class="hg-under" {shape} fill="#fff" fill-opacity="0" '
        f"{under}><title>{place} {escape(node.label)}: {number(node.total, 4)}</title></rect>"
        f'<rect class="hg-over" {shape} fill="none" pointer-events="none" {over}/></g>'
    )


def _badge(text: str, box: Box, key: str, waits: bool) -> str:
    """A region's number and name; one that waits is shown only while its region is lit."""
    return (
        f'<g class="hg-badge{" hg-waits" if waits else ""}" data-key="{key}"><rect x="{box[0]:.1f}" y="{box[1]:.1f}" '
        f'width="{box[2] - box[0]:.1f}" height="30" rx="4" fill="{HIGHLIGHT}" stroke="#fff" stroke-width="1.5"/>'
        f'<text x="{(box[0] + box[2]) / 2:.1f}" y="{box[1] + 22:.1f}" font-size="22" font-weight="600" fill="#fff" '
        f'text-anchor="middle">{escape(text, 32)}</text></g>'
    )


def scaled(node: NodeTerms, height: float) -> Box:
    """Box of a region in drawing units, XYXY, at least 2 units wide and high."""
    x1, y1, x2, y2 = node.box or (0.0, 0.0, 1.0, 1.0)
    x1, y1 = x1 * WIDTH, y1 * height
    return x1, y1, max(x2 * WIDTH, x1 + 2), max(y2 * height, y1 + 2)


def _free_corner(box: Box, width: float, tall: float, height: float, taken: list[Box]) -> Box:
    """Where a label of a box goes: the corner, or failing that the place down its side, that covers no other label."""
    x1, y1, x2, y2 = box
    spots = [(x1, y1), (x2 - width, y1), (x1, y2 - tall), (x2 - width, y2 - tall)]
    spots += [(x1, y1 + step * (tall + 2)) for step in range(1, 20)]
    spots = [(min(max(x, 2), max(WIDTH - width - 2, 2)), min(max(y, 2), max(height - tall - 2, 2))) for x, y in spots]
    free = (
        (x, y)
        for x, y in spots
        if all(x + width < t[0] or t[2] < x or y + tall < t[1] or t[3] < y for t in taken)
    )  # fmt: skip
    x, y = next(free, spots[0])
    return x, y, x + width, y + tall


def over_picture(picture: Picture, text: str, opacity: float, shapes: list[str], below: float = 0.0) -> str:
    """Shapes over a picture, in drawing units.

    Args:
        text: what is seen, for those who do not.
        opacity: of the picture, over black.
        below: space under the picture, in drawing units.
    """
    height = picture.drawn_height
    return (
        f'<svg class="hg-drawing" viewBox="0 0 {WIDTH:.0f} {height + below:.0f}" role="img" '
        f'aria-label="{escape(text)}"><rect width="{WIDTH:.0f}" height="{height:.0f}" fill="#000"/>'
        f'<image href="{picture.uri}" width="{WIDTH:.0f}" height="{height:.0f}" preserveAspectRatio="none" '
        f'opacity="{opacity}"/>{"".join(shapes)}</svg>'
    )
