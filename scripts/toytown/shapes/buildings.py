"""Houses, towers, fences and lamps; they look along -y."""

from __future__ import annotations

from math import cos, radians, sin

from .primitives import Toy


def house(c: str, door_open: bool) -> Toy:
    """Walls in the named colour, a neutral roof; an open door swings out and shows a lit hall."""
    toy = Toy()
    toy.box((2.1, 1.6, 1.3), (0, 0, 0.68), c, 0.05).box((2.24, 1.74, 0.1), (0, 0, 0.05), "stone", 0.03)
    gable = [(-1.05, 1.28), (1.05, 1.28), (0, 2.12)]
    toy.prism(gable, 1.56, (0, 0, 0), c, 0.03)
    roof = "charcoal" if c in ("red", "brown", "orange") else "roof"
    for side in (-1, 1):
        toy.box((1.56, 1.95, 0.13), (side * 0.6, 0, 1.75), roof, 0.04, (0, side * 38.7, 0))
    toy.box((0.28, 0.28, 0.65), (0.6, 0.3, 2.05), "brick", 0.03).box(
        (0.34, 0.34, 0.09), (0.6, 0.3, 2.38), "stone", 0.03
    )
    _window(toy, 0.66, -0.81, 0.82)
    toy.tube(0.19, 0.06, (0, -0.76, 1.62), "paper", (90, 0, 0)).tube(
        0.14, 0.08, (0, -0.77, 1.62), "window", (90, 0, 0), bevel=0.01
    )
    _window(toy, 1.06, 0.1, 0.82, 90)
    _window(toy, -1.06, 0.1, 0.82, 90)
    toy.box((0.82, 0.08, 1.16), (-0.42, -0.81, 0.65), "paper", 0.03)
    leaf = "darkwood" if c != "brown" else "cream"
    if door_open:
        toy.box((0.64, 0.06, 1.04), (-0.42, -0.84, 0.62), "lit", 0.01)
        toy.box((0.62, 0.07, 1.02), (-0.8, -1.13, 0.62), leaf, 0.02, (0, 0, 75)).ball(0.05, (-0.8, -1.35, 0.6), "gold")
    else:
        toy.box((0.66, 0.08, 1.04), (-0.42, -0.835, 0.62), leaf, 0.02).ball(0.055, (-0.19, -0.9, 0.6), "gold")
        for z in (0.38, 0.86):
            toy.box((0.4, 0.05, 0.34), (-0.42, -0.87, z), "bark" if c != "brown" else "khaki", 0.02)
    return toy.box((0.95, 0.3, 0.1), (-0.42, -0.95, 0.05), "stone", 0.03)


def _window(toy: Toy, x: float, y: float, z: float, yaw: float = 0) -> None:
    toy.box((0.56, 0.08, 0.56), (x, y, z), "paper", 0.03, (0, 0, yaw)).box(
        (0.44, 0.1, 0.44), (x, y, z), "window", 0.02, (0, 0, yaw)
    )
    toy.box((0.05, 0.12, 0.46), (x, y, z), "paper", 0.01, (0, 0, yaw)).box(
        (0.46, 0.12, 0.05), (x, y, z), "paper", 0.01, (0, 0, yaw)
    )


def tower(c: str) -> Toy:
    """A round castle tower with battlements, a gate and arrow slits."""
    toy = Toy().tube(0.72, 2.5, (0, 0, 0), c, top=0.58, bevel=0.05).tube(0.82, 0.18, (0, 0, 0), "stone", bevel=0.06)
    toy.tube(0.6, 0.14, (0, 0, 2.38), "stone", top=0.78, bevel=0.04).tube(0.78, 0.16, (0, 0, 2.5), c, bevel=0.04)
    for turn in range(0, 360, 45):
        a = radians(turn + 22.5)
        toy.box((0.22, 0.34, 0.32), (0.66 * cos(a), 0.66 * sin(a), 2.78), c, 0.05, (0, 0, turn + 22.5))
    toy.tube(0.03, 0.75, (0, 0, 2.6), "wood").prism(
        [(0.02, 3.0), (0.02, 3.34), (0.55, 3.17)], 0.04, (0, 0, 0), "gold", 0.012
    )
    toy.prism(
        [(-0.24, 0), (0.24, 0), (0.24, 0.5), (0.16, 0.68), (0, 0.75), (-0.16, 0.68), (-0.24, 0.5)],
        0.2,
        (0, -0.65, 0.1),
        "darkwood",
        0.02,
    )
    for turn, z in ((0, 1.35), (-75, 1.5), (75, 1.5), (0, 2.0), (-40, 1.9), (40, 1.9)):
        a = radians(turn - 90)
        toy.box((0.1, 0.1, 0.32), (0.635 * cos(a), 0.635 * sin(a), z), "eye", 0.02, (0, 0, turn))
    return toy


def fence(c: str) -> Toy:
    toy = Toy()
    for i in range(7):
        x = -0.87 + i * 0.29
        toy.prism([(-0.09, 0), (0.09, 0), (0.09, 0.66), (0, 0.8), (-0.09, 0.66)], 0.07, (x, 0, 0), c, 0.02)
    for z in (0.22, 0.52):
        toy.box((1.98, 0.06, 0.1), (0, 0.06, z), c, 0.02)
    return toy


def lamp(c: str, on: bool) -> Toy:
    """A standard lamp with a coloured post and shade; the bulb glows and lights the scene when on."""
    toy = Toy().tube(0.3, 0.1, (0, 0, 0), c, bevel=0.04).tube(0.05, 1.5, (0, 0, 0.05), c)
    toy.tube(0.42, 0.5, (0, 0, 1.45), c, top=0.22, bevel=0.02).ball(0.06, (0, 0, 1.97), "gold")
    bulb = "lamplight" if on else "grey"
    toy.tube(0.36, 0.03, (0, 0, 1.44), bulb, bevel=0.01).ball((0.17, 0.17, 0.19), (0, 0, 1.36), bulb)
    if on:
        toy.lights.append(((0, 0, 1.18), 60.0))
    return toy
