"""Trees, bushes, flowers and snowmen."""

from __future__ import annotations

from math import cos, radians, sin
from random import Random

from .primitives import Toy, lathe, rounded_profile


def tree(c: str, rng: Random) -> Toy:
    toy = Toy().limb([(0, 0, -0.02), (0.02, 0, 0.5), (0, 0, 1.2)], [0.2, 0.13, 0.12], "bark")
    toy.limb([(0, 0, 0.75), (0.25, -0.05, 1.1)], [0.08, 0.06], "bark").limb(
        [(0, 0, 0.85), (-0.25, 0.05, 1.2)], [0.08, 0.06], "bark"
    )
    for x, y, z, r in (
        (0, 0, 1.95, 0.62),
        (0.45, 0.05, 1.55, 0.5),
        (-0.45, -0.02, 1.6, 0.5),
        (0.02, -0.42, 1.55, 0.46),
        (0, 0.42, 1.6, 0.46),
    ):
        size = r * rng.uniform(0.94, 1.06)
        toy.ball((size, size, size * 0.92), (x, y, z), c)
    return toy


def bush(c: str, rng: Random) -> Toy:
    """Low and wide, dotted with berries to tell it from a tree's crown."""
    toy = Toy()
    for x, y, r in (
        (0, 0, 0.42),
        (0.38, 0.05, 0.33),
        (-0.38, 0.02, 0.34),
        (0.16, -0.24, 0.3),
        (-0.18, -0.22, 0.3),
        (0, 0.25, 0.34),
    ):
        size = r * rng.uniform(0.95, 1.05)
        toy.ball((size, size, size * 1.02), (x, y, size * 0.82), c)
    berry = "barn" if c not in ("red", "pink", "orange") else "paper"
    for x, y, z in (
        (0.1, -0.5, 0.42),
        (-0.35, -0.4, 0.4),
        (0.42, -0.22, 0.5),
        (-0.1, -0.35, 0.68),
        (0.26, -0.4, 0.2),
        (-0.6, -0.1, 0.42),
        (0.12, -0.2, 0.8),
    ):
        toy.ball(0.055, (x, y, z), berry)
    return toy


def flower(c: str, held: bool = False) -> Toy:
    """One big flower, its face towards -y and a little up."""
    toy = Toy().limb([(0, 0.04, 0), (0.03, 0.06, 0.35), (0, 0, 0.75)], 0.035, "stem")
    if not held:
        toy.ball((0.2, 0.18, 0.07), (0, 0.04, 0.02), "soil")
    for side in (-1, 1):
        toy.ball((0.19, 0.03, 0.08), (side * 0.19, 0.04, 0.3), "stem", (0, -side * 35, 0))
    for turn in range(0, 360, 60):
        a = radians(turn)
        toy.ball((0.145, 0.05, 0.12), (0.19 * cos(a), -0.03, 0.78 + 0.19 * sin(a)), c, (12, -turn, 0))
    return toy.ball((0.11, 0.08, 0.11), (0, -0.07, 0.78), "gold" if c not in ("yellow", "orange") else "soil")


def snowman(c: str) -> Toy:
    """Always of snow; `c` is ignored but for the snow itself."""
    toy = (
        Toy()
        .ball((0.5, 0.48, 0.46), (0, 0, 0.42), "white")
        .ball((0.36, 0.35, 0.34), (0, 0, 1.05), "white")
        .ball(0.26, (0, 0, 1.53), "white")
    )
    toy.add(lathe(rounded_profile(0.06, 0.012, 0.34, 0.01), 12), "carrot", (0, -0.24, 1.53), (100, 0, 0))
    for x in (-0.09, 0.09):
        toy.ball(0.035, (x, -0.235, 1.61), "eye")
    for z in (0.92, 1.06, 1.2):
        toy.ball(0.04, (0, -0.35 + abs(z - 1.05) * 0.12, z), "eye")
    for i in range(5):
        x = -0.1 + i * 0.05
        toy.ball(0.02, (x, -0.235, 1.43 + abs(x) * 0.35), "eye")
    for side in (-1, 1):
        toy.limb([(side * 0.3, 0, 1.15), (side * 0.55, 0, 1.3), (side * 0.75, -0.02, 1.5)], 0.03, "darkwood")
        toy.limb([(side * 0.6, 0, 1.36), (side * 0.78, 0, 1.34)], 0.022, "darkwood")
    toy.ring(0.23, 0.07, (0, 0, 1.33), "charcoal").box(
        (0.14, 0.06, 0.36), (0.14, -0.33, 1.16), "charcoal", 0.03, (-8, 8, 0)
    )
    return toy.tube(0.3, 0.05, (0, 0, 1.72), "rubber").tube(0.2, 0.34, (0, 0, 1.74), "rubber", top=0.21)
