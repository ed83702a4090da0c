"""The two rooms: three walls, open to the camera and above."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from .layout import Box
from .shapes import Toy, placed

BACK, SIDE, TALL = 2.9, 5.0, 6.5  # y of the back wall, |x| of the side walls, their height


def _shell(floor: str, wall: str, skirting: str) -> None:
    toy = (
        Toy()
        .box((2 * SIDE, 24, 0.2), (0, BACK - 12, -0.1), floor, 0.01)
        .box((2 * SIDE, 0.2, TALL), (0, BACK + 0.1, TALL / 2), wall, 0.01)
    )
    toy.box((2 * SIDE, 0.06, 0.16), (0, BACK - 0.02, 0.08), skirting, 0.02)
    for side in (-1, 1):
        toy.box((0.2, 24, TALL), (side * (SIDE + 0.1), BACK - 12, TALL / 2), wall, 0.01)
        toy.box((0.06, 24, 0.16), (side * (SIDE - 0.02), BACK - 12, 0.08), skirting, 0.02)
    toy.build("room", placed(0, 0, 0))


def _window(toy: Toy, x: float, z: float, wide: float, tall: float, time: str) -> None:
    toy.box((wide + 0.2, 0.1, tall + 0.2), (x, BACK - 0.02, z), "paper", 0.03)
    toy.box((wide, 0.12, tall), (x, BACK - 0.03, z), "nightsky" if time == "night" else "daysky", 0.01)
    toy.box((0.07, 0.14, tall), (x, BACK - 0.04, z), "paper", 0.02).box(
        (wide, 0.14, 0.07), (x, BACK - 0.04, z), "paper", 0.02
    )
    toy.box((wide + 0.4, 0.3, 0.08), (x, BACK - 0.1, z - tall / 2 - 0.12), "paper", 0.03)


def kitchen(rng: Random, time: str, prints: Sequence[Box]) -> None:
    """Tiles, a counter with sink and stove, hanging cupboards, a fridge."""
    _shell("tile", "wall2", "paper")
    tiles = Toy()
    for i in range(-6, 7):
        for j in range(-18, 4):
            if (i + j) % 2:
                tiles.box((0.78, 0.78, 0.012), (i * 0.8, j * 0.8 - 0.1, 0.0), "tile2", 0.004)
    tiles.build("tiles", placed(0, 0, 0))
    toy = (
        Toy()
        .box((6.4, 0.75, 0.95), (-0.6, BACK - 0.4, 0.5), "cupboard", 0.03)
        .box((6.5, 0.85, 0.1), (-0.6, BACK - 0.42, 1.02), "counter", 0.03)
    )
    front = BACK - 0.79
    for k in range(7):
        x = -3.34 + k * 0.91
        if k == 4:  # the stove
            toy.box((0.84, 0.06, 0.86), (x, front, 0.5), "steel", 0.03).box(
                (0.62, 0.08, 0.4), (x, front - 0.01, 0.42), "eye", 0.03
            )
            toy.box((0.62, 0.06, 0.05), (x, front - 0.07, 0.72), "metal", 0.02).box(
                (0.8, 0.7, 0.03), (x, BACK - 0.42, 1.08), "eye", 0.01
            )
            for dx in (-0.22, 0.22):
                toy.ring(0.12, 0.02, (x + dx, BACK - 0.5, 1.1), "barn").ball(
                    0.045, (x + dx, front - 0.05, 0.86), "paper"
                )
            continue
        toy.box((0.82, 0.05, 0.8), (x, front, 0.5), "cupboard", 0.03).ball(0.045, (x + 0.28, front - 0.05, 0.7), "gold")
    toy.limb(
        [(-1.5, BACK - 0.25, 1.05), (-1.5, BACK - 0.25, 1.5), (-1.5, BACK - 0.5, 1.55), (-1.5, BACK - 0.55, 1.4)],
        0.04,
        "metal",
    )
    toy.box((0.9, 0.5, 0.03), (-1.5, BACK - 0.45, 1.075), "steel", 0.02)
    for x in (-3.65, -2.79, 0.9, 1.76, 2.62):
        toy.box((0.84, 0.45, 1.05), (x, BACK - 0.24, 2.5), "cupboard", 0.03)
        toy.box((0.72, 0.04, 0.92), (x, BACK - 0.47, 2.5), "counter", 0.02).ball(
            0.045, (x + 0.25, BACK - 0.51, 2.15), "gold"
        )
    _window(toy, -1.1, 2.35, 1.5, 1.2, time)
    for k in range(22):  # a row of wall tiles above the counter
        toy.box((0.27, 0.03, 0.27), (-3.65 + k * 0.29, BACK - 0.01, 1.25), ("tile", "cupboard")[k % 2], 0.01)
    toy.box((1.1, 0.9, 2.5), (3.55, BACK - 0.47, 1.27), "tile", 0.1).box(
        (1.12, 0.04, 0.03), (3.55, BACK - 0.93, 1.65), "steel", 0.01
    )
    for z, tall in ((2.0, 0.4), (1.2, 0.6)):
        toy.box((0.06, 0.08, tall), (3.15, BACK - 0.97, z), "metal", 0.02)
    toy.build("kitchen", placed(0, 0, 0))


def living_room(rng: Random, time: str, prints: Sequence[Box]) -> None:
    """Boards, a carpet, a sofa with cushions, pictures, a window with curtains."""
    _shell("parquet", "wall", "paper")
    boards = Toy()
    for k in range(-12, 13):
        boards.box((0.02, 24, 0.006), (k * 0.42, BACK - 12, 0.0), "bark", 0.002)
    boards.tube(1.0, 0.02, (0, 0, 0), "carpet2", bevel=0.005).parts[-1][0][:, :2] *= (3.0, 2.0)
    boards.tube(1.0, 0.024, (0, 0, 0), "carpet", bevel=0.005).parts[-1][0][:, :2] *= (2.75, 1.78)
    boards.build("floor", placed(0, -0.5, 0))
    toy, y, x = Toy(), BACK - 0.55, rng.choice((-0.9, 0.9))
    toy.box((3.0, 0.95, 0.5), (x, y, 0.38), "sofa", 0.12).box((3.0, 0.32, 1.0), (x, y + 0.36, 0.75), "sofa", 0.14)
    for side in (-1, 1):
        toy.box((0.36, 1.0, 0.8), (x + side * 1.5, y, 0.5), "sofa", 0.14).box(
            (1.28, 0.8, 0.22), (x + side * 0.66, y - 0.08, 0.68), "sofa", 0.09
        )
        toy.box(
            (0.5, 0.18, 0.5), (x + side * 1.0, y + 0.1, 0.98), ("gold", "carpet")[side > 0], 0.08, (-18, side * 10, 0)
        )
        for foot in (-0.35, 0.35):
            toy.tube(0.06, 0.16, (x + side * 1.4, y + foot, 0), "darkwood")
    wx = -x * 2.6
    _window(toy, wx, 2.1, 1.5, 1.7, time)
    for side in (-1, 1):
        for k in range(3):
            toy.limb(
                [(wx + side * (0.95 + k * 0.13), BACK - 0.16, 0.5), (wx + side * (0.95 + k * 0.13), BACK - 0.16, 3.2)],
                0.08,
                "carpet",
            )
    toy.limb([(wx - 1.5, BACK - 0.16, 3.25), (wx + 1.5, BACK - 0.16, 3.25)], 0.04, "darkwood")
    for k, (px, pz, w, h) in enumerate(((x - 0.75, 2.2, 0.9, 0.7), (x + 0.5, 2.35, 0.7, 0.9))):
        toy.box((w, 0.08, h), (px, BACK - 0.03, pz), "darkwood", 0.02).box(
            (w - 0.14, 0.1, h - 0.14), (px, BACK - 0.04, pz), "paper", 0.01
        )
        toy.ball((0.16, 0.02, 0.16), (px - 0.1, BACK - 0.09, pz + 0.05), ("gold", "sofa")[k])
        toy.box((w - 0.16, 0.02, 0.18), (px, BACK - 0.095, pz - h / 2 + 0.17), ("hill", "carpet")[k], 0.01)
    toy.build("living room", placed(0, 0, 0))
