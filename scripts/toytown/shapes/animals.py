"""Animals, looking along +x. `c` is the colour of the coat."""

from __future__ import annotations

from math import cos, radians, sin

from .primitives import Toy


def _eyes(toy: Toy, x: float, y: float, z: float, r: float = 0.035) -> None:
    for side in (-1, 1):
        toy.ball(r, (x, side * y, z), "eye").ball(r * 0.4, (x + r * 0.5, side * (y + r * 0.55), z + r * 0.5), "paper")


def dog(c: str) -> Toy:
    toy = Toy().limb([(-0.38, 0, 0.5), (0, 0, 0.5), (0.3, 0, 0.55)], [0.18, 0.19, 0.2], c)
    for x in (-0.36, 0.3):
        for y in (-0.11, 0.11):
            toy.limb([(x, y, 0.45), (x - 0.02, y, 0.2), (x, y, 0.06)], [0.1, 0.075, 0.07], c).ball(
                (0.1, 0.075, 0.055), (x + 0.03, y, 0.055), c
            )
    toy.limb([(0.32, 0, 0.6), (0.45, 0, 0.82)], [0.15, 0.16], c).ball((0.2, 0.19, 0.19), (0.5, 0, 0.88), c)
    toy.limb([(0.6, 0, 0.83), (0.78, 0, 0.81)], [0.11, 0.09], "cream" if c != "white" else c).ball(
        (0.05, 0.06, 0.045), (0.87, 0, 0.85), "eye"
    )
    ear = {"white": "brown", "black": "charcoal"}.get(c, "nose")
    for side in (-1, 1):
        toy.ball((0.08, 0.045, 0.18), (0.44, side * 0.2, 0.84), ear, (side * 14, 10, 0))
    _eyes(toy, 0.64, 0.1, 0.95)
    toy.limb([(-0.5, 0, 0.58), (-0.66, 0, 0.75), (-0.68, 0, 0.92)], [0.07, 0.055, 0.04], c)
    return toy.ring(0.15, 0.03, (0.38, 0, 0.7), "barn" if c != "red" else "gold", (0, 30, 0))


def cat(c: str) -> Toy:
    """Sitting upright, tail round the side, with pointed ears and whiskers."""
    toy = Toy().limb([(-0.12, 0, 0.2), (-0.06, 0, 0.36), (0.06, 0, 0.56)], [0.26, 0.22, 0.15], c)
    light = "cream" if c != "white" else "muzzle"
    toy.ball((0.12, 0.12, 0.17), (0.1, 0, 0.42), light)
    for y in (-0.09, 0.09):
        toy.limb([(0.12, y, 0.42), (0.15, y, 0.2), (0.16, y, 0.05)], [0.08, 0.06, 0.06], c).ball(
            (0.09, 0.065, 0.05), (0.19, y, 0.05), light
        )
    for y in (-0.19, 0.19):
        toy.ball((0.17, 0.1, 0.15), (-0.1, y, 0.15), c)
    toy.ball((0.21, 0.23, 0.19), (0.13, 0, 0.76), c).ball((0.07, 0.1, 0.06), (0.31, 0, 0.7), light).ball(
        (0.03, 0.035, 0.025), (0.375, 0, 0.73), "blush"
    )
    for side in (-1, 1):
        toy.prism([(-0.1, 0), (0.1, 0), (0.02 * side, 0.21)], 0.09, (0.12, side * 0.14, 0.87), c, 0.02, (0, 0, 90))
        toy.prism(
            [(-0.055, 0), (0.055, 0), (0.012 * side, 0.13)], 0.03, (0.165, side * 0.14, 0.89), "blush", 0.01, (0, 0, 90)
        )
        for z in (0.68, 0.72):
            toy.limb(
                [(0.33, side * 0.07, z), (0.36, side * 0.3, z + (z - 0.7) * 2)],
                0.009,
                "paper" if c != "white" else "grey",
            )
    _eyes(toy, 0.3, 0.095, 0.81, 0.042)
    return toy.limb(
        [(-0.3, 0.05, 0.1), (-0.5, 0.05, 0.2), (-0.56, 0.05, 0.45), (-0.46, 0.05, 0.62)], [0.06, 0.06, 0.055, 0.05], c
    )


def duck(c: str) -> Toy:
    toy = Toy().ball((0.38, 0.25, 0.24), (-0.02, 0, 0.26), c).limb([(-0.3, 0, 0.3), (-0.45, 0, 0.42)], [0.15, 0.05], c)
    toy.limb([(0.2, 0, 0.36), (0.25, 0, 0.55)], [0.14, 0.13], c).ball((0.19, 0.18, 0.18), (0.26, 0, 0.62), c)
    toy.ball((0.16, 0.11, 0.04), (0.48, 0, 0.57), "beak").ball((0.13, 0.09, 0.03), (0.46, 0, 0.535), "carrot")
    for side in (-1, 1):
        toy.ball((0.23, 0.06, 0.14), (-0.08, side * 0.23, 0.31), c, (0, 12, 0)).ball(
            (0.12, 0.07, 0.03), (0.06, side * 0.11, 0.03), "beak"
        )
    _eyes(toy, 0.37, 0.12, 0.68, 0.035)
    return toy


def _hoofed(toy: Toy, c: str, xs: tuple[float, float], y: float, top: float, r: float) -> None:
    for x in xs:
        for side in (-1, 1):
            toy.limb([(x, side * y, top), (x, side * y, top * 0.5), (x, side * y, 0.1)], [r * 1.35, r, r], c)
            toy.tube(r * 1.12, 0.13, (x, side * y, 0), "hoof")


def horse(c: str) -> Toy:
    mane = {"black": "charcoal", "brown": "nose", "white": "khaki"}.get(c, "nose")
    toy = Toy().limb([(-0.55, 0, 0.92), (0, 0, 0.88), (0.45, 0, 0.93)], [0.27, 0.28, 0.27], c)
    _hoofed(toy, c, (-0.55, 0.48), 0.15, 0.8, 0.085)
    toy.limb([(0.5, 0, 1.0), (0.68, 0, 1.28), (0.8, 0, 1.5)], [0.23, 0.17, 0.15], c)
    toy.limb([(0.78, 0, 1.53), (0.98, 0, 1.42), (1.12, 0, 1.31)], [0.15, 0.12, 0.1], c).ball(
        (0.09, 0.1, 0.09), (1.16, 0, 1.29), "muzzle" if c != "white" else "grey"
    )
    for side in (-1, 1):
        toy.prism([(-0.06, 0), (0.06, 0), (0, 0.19)], 0.06, (0.74, side * 0.09, 1.62), c, 0.02, (0, 0, 90))
    _eyes(toy, 0.92, 0.115, 1.52)
    for x, z in ((0.42, 1.17), (0.5, 1.32), (0.58, 1.46), (0.66, 1.58), (0.75, 1.67)):
        toy.ball((0.11, 0.06, 0.12), (x, 0, z), mane)
    return toy.limb([(-0.78, 0, 1.05), (-0.98, 0, 0.9), (-1.0, 0, 0.5)], [0.07, 0.1, 0.05], mane)


def cow(c: str) -> Toy:
    """With patches, horns, pink muzzle and udder."""
    patch = {"white": "rubber", "brown": "cream", "black": "white"}.get(c, "white")
    toy = Toy().limb([(-0.55, 0, 0.75), (0, 0, 0.74), (0.45, 0, 0.78)], [0.32, 0.33, 0.32], c)
    _hoofed(toy, c, (-0.52, 0.45), 0.19, 0.6, 0.095)
    for x, y, z, r in (
        (-0.35, 0.25, 0.85, 0.2),
        (0.15, 0.27, 0.72, 0.2),
        (-0.3, -0.25, 0.8, 0.22),
        (0.22, -0.25, 0.88, 0.2),
        (0.5, 0.22, 0.95, 0.13),
    ):
        toy.ball((r, 0.12, r * 0.85), (x, y, z), patch)
    toy.limb([(0.55, 0, 0.9), (0.78, 0, 1.05)], [0.22, 0.2], c).limb([(0.8, 0, 1.08), (1.0, 0, 0.98)], [0.2, 0.16], c)
    toy.ball((0.12, 0.18, 0.13), (1.1, 0, 0.93), "blush")
    for side in (-1, 1):
        toy.limb(
            [(0.75, side * 0.13, 1.22), (0.77, side * 0.26, 1.3), (0.8, side * 0.28, 1.42)], [0.05, 0.04, 0.02], "cream"
        )
        toy.ball((0.05, 0.14, 0.08), (0.72, side * 0.28, 1.12), patch).ball(0.022, (1.2, side * 0.07, 0.97), "nose")
    _eyes(toy, 0.93, 0.16, 1.13)
    toy.ball((0.16, 0.14, 0.12), (-0.3, 0, 0.43), "blush")
    return toy.limb([(-0.85, 0, 0.95), (-0.96, 0, 0.7), (-0.95, 0, 0.45)], 0.03, c).ball(
        (0.06, 0.06, 0.1), (-0.95, 0, 0.4), "nose"
    )


def sheep(c: str) -> Toy:
    """A woolly ball of lumps with a dark (or, on a black one, pale) face."""
    face = "cream" if c in ("black", "brown") else "nose"
    toy = Toy().ball((0.46, 0.32, 0.3), (0, 0, 0.56), c)
    for ring, (radius, z) in enumerate(((0.9, 0.44), (1.0, 0.6), (0.75, 0.77))):
        for turn in range(0, 360, 40):
            a = radians(turn + ring * 20)
            toy.ball(0.16, (0.42 * radius * cos(a), 0.29 * radius * sin(a), z), c)
    toy.ball((0.22, 0.16, 0.12), (0, 0, 0.84), c)
    for x in (-0.25, 0.25):
        for y in (-0.15, 0.15):
            toy.limb([(x, y, 0.4), (x, y, 0.07)], 0.065, face)
    toy.limb([(0.5, 0, 0.8), (0.68, 0, 0.7)], [0.16, 0.12], face).ball((0.17, 0.17, 0.13), (0.46, 0, 0.93), c)
    for side in (-1, 1):
        toy.ball((0.05, 0.13, 0.06), (0.5, side * 0.2, 0.82), face, (side * -20, 0, 0))
        toy.ball(0.045, (0.63, side * 0.105, 0.83), "paper").ball(0.026, (0.665, side * 0.115, 0.835), "eye")
    return toy
