"""Small things that are carried, flown and played with."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from .primitives import Shape, Toy, lathe


def mug(c: str) -> Toy:
    toy = Toy()
    wall = [
        (0.0, 0.0),
        (0.2, 0.0),
        (0.235, 0.03),
        (0.25, 0.3),
        (0.25, 0.5),
        (0.235, 0.52),
        (0.215, 0.5),
        (0.21, 0.3),
        (0.19, 0.06),
        (0, 0.06),
    ]
    toy.add(lathe(wall, 28), c).tube(0.205, 0.02, (0, 0, 0.41), "bark", bevel=0.005)
    return toy.limb([(0.23, 0, 0.43), (0.37, 0, 0.42), (0.41, 0, 0.27), (0.35, 0, 0.13), (0.22, 0, 0.11)], 0.042, c)


def ball(c: str) -> Toy:
    """A beach ball: the colour in turn with white (grey on white) gores."""
    other = "white" if c != "white" else "grey"
    toy = Toy().ball(0.32, (0, 0, 0.32), c)
    for i in range(3):
        toy.add(_gore(0.327, i * 2 * pi / 3, pi / 5.4), other, (0, 0, 0.32), (38, 20, 0))
    return toy


def _gore(radius: float, start: float, width: float) -> Shape:
    tall, wide = 14, 5
    verts = [
        (radius * sin(t) * cos(start + u * width), radius * sin(t) * sin(start + u * width), radius * cos(t))
        for t in np.linspace(0.08, pi - 0.08, tall)
        for u in np.linspace(0, 1, wide)
    ]
    faces = [
        (r * wide + i, (r + 1) * wide + i, (r + 1) * wide + i + 1, r * wide + i + 1)
        for r in range(tall - 1)
        for i in range(wide - 1)
    ]
    return np.array(verts), faces


def kite(c: str, at: tuple[float, float, float], hand: tuple[float, float, float]) -> Toy:
    """A diamond with a tail at `at`, its cord drawn to `hand` (both relative to the origin)."""
    toy = Toy()
    x, y, z = at
    other = "white" if c not in ("white", "yellow") else "orange"
    lean = (-14, 0, 0)
    toy.prism([(0, 0.62), (0.42, 0.12), (0, -0.62), (-0.42, 0.12)], 0.04, (x, y, z), c, 0.012, lean)
    for outline in ([(0, 0.5), (0.34, 0.14), (0, 0.14)], [(0, 0.1), (-0.34, 0.1), (0, -0.48)]):
        toy.prism(outline, 0.05, (x, y - 0.008, z), other, 0.01, lean)
    tail = [(x, y - 0.12, z - 0.6), (x + 0.1, y, z - 0.78), (x - 0.06, y, z - 0.96), (x + 0.1, y, z - 1.14)]
    toy.limb(tail, 0.018, "paper")
    for px, py, pz in tail[1:]:
        for side in (-1, 1):
            toy.ball((0.09, 0.025, 0.05), (px + side * 0.07, py, pz), c, (0, side * 15, 0))
    toy.strings.append(((x, y - 0.05, z), hand))
    return toy


def balloon(c: str, at: tuple[float, float, float], hand: tuple[float, float, float]) -> Toy:
    """A party balloon whose knot is at `at`, its cord drawn to `hand`."""
    x, y, z = at
    toy = Toy()
    skin = [
        (0.0, 0.0),
        (0.06, 0.02),
        (0.16, 0.12),
        (0.29, 0.3),
        (0.36, 0.5),
        (0.35, 0.66),
        (0.27, 0.8),
        (0.14, 0.89),
        (0.0, 0.92),
    ]
    toy.add(lathe(skin, 28), c, at).add(lathe([(0.05, -0.06), (0.02, 0.0), (0.03, 0.02)], 12), c, at)
    toy.ball((0.05, 0.02, 0.1), (x - 0.17, y - 0.27, z + 0.66), "paper", (25, 15, 0))
    toy.strings.append((at, hand))
    return toy


def book(c: str, held: bool = False) -> Toy:
    """Open, pages towards -y, on a small stand when nobody holds it, so that it can be read as a book from the front."""
    toy = Toy()
    for side in (-1, 1):
        toy.box((0.5, 0.05, 0.66), (side * 0.23, 0.02, 0.34), c, 0.015, (-28, 0, side * 10))
        toy.box((0.41, 0.07, 0.54), (side * 0.21, -0.03, 0.35), "paper", 0.025, (-28, 0, side * 10))
        for i in range(4):
            up = (i - 1.5) * 0.11
            toy.box(
                (0.28, 0.02, 0.035),
                (side * 0.215, -0.064 + up * 0.47, 0.368 + up * 0.88),
                "grey",
                0.005,
                (-28, 0, side * 10),
            )
    if held:
        return toy
    return toy.limb([(0, 0.0, 0.05), (0, 0.3, 0.6)], 0.03, c).box((0.5, 0.4, 0.05), (0, 0.1, 0.025), "wood", 0.02)


def box(c: str) -> Toy:
    """A lidded box with a ribbon round it."""
    tape = "cream" if c not in ("white", "yellow") else "barn"
    toy = Toy().box((0.8, 0.8, 0.6), (0, 0, 0.3), c, 0.03).box((0.87, 0.87, 0.16), (0, 0, 0.62), c, 0.035)
    toy.box((0.16, 0.895, 0.18), (0, 0, 0.62), tape, 0.02).box((0.16, 0.82, 0.58), (0, 0, 0.3), tape, 0.02)
    return toy.box((0.895, 0.16, 0.181), (0, 0, 0.62), tape, 0.02).box((0.82, 0.16, 0.58), (0, 0, 0.3), tape, 0.02)


def umbrella(c: str, held: bool) -> Toy:
    """Open. On its own it stands in a small foot; held, its handle ends at z = 0."""
    other = "white" if c != "white" else "grey"
    toy = Toy().tube(0.03, 1.5, (0, 0, 0), "metal" if not held else "darkwood")
    if not held:
        toy.tube(0.26, 0.09, (0, 0, 0), "stone", bevel=0.04)
    canopy, trim = _canopy()
    toy.add(canopy, c, (0, 0, 1.1)).add(trim, other, (0, 0, 1.1))
    return toy.ball(0.05, (0, 0, 1.56), other)


def _canopy() -> tuple[Shape, Shape]:
    """Eight gores with scalloped rims; every other one goes into the second shape."""
    gores: tuple[tuple[list, list], tuple[list, list]] = (([], []), ([], []))
    for k in range(8):
        verts, faces = gores[k % 2]
        tall, wide, base = 8, 7, len(verts)
        for t in np.linspace(0.02, 1, tall):
            for u in np.linspace(0, 1, wide):
                angle = (k + u) * pi / 4
                radius = 0.78 * t * (1 - 0.05 * sin(pi * u) * t)
                verts.append((radius * cos(angle), radius * sin(angle), 0.44 * (1 - t**2.2) + 0.05 * sin(pi * u) * t))
        faces += [
            (base + r * wide + i, base + (r + 1) * wide + i, base + (r + 1) * wide + i + 1, base + r * wide + i + 1)
            for r in range(tall - 1)
            for i in range(wide - 1)
        ]
    return tuple((np.array(v), f) for v, f in gores)  # type: ignore[return-value]
