"""The ten places: ground, backdrop and small decoration. Nothing here is of a kind that a caption counts at that place.

Decoration that could hide a thing stands beyond the ground of `layout.GROUND`; small bits on the ground keep clear of `prints`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, radians, sin
from random import Random

import bpy
import numpy as np

from . import materials, rooms, street
from .layout import Box
from .shapes import Toy, placed


def build(place: str, time: str, rng: Random, prints: Sequence[Box]) -> None:
    """Fills the scene with a place; an unknown one is a KeyError."""
    {
        "beach": _beach, "snow field": _snow_field, "meadow": _meadow, "desert": _desert, "lake": _lake, "forest": _forest,
        "farm": _farm, "street": street.build, "kitchen": rooms.kitchen, "living room": rooms.living_room,
    }[place](rng, time, prints)  # fmt: skip


def plate(
    name: str, outline: Sequence[tuple[float, float]], z: float, material: bpy.types.Material
) -> bpy.types.Object:
    """A flat polygon on the ground."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(x, y, z) for x, y in outline], [], [tuple(range(len(outline)))])
    mesh.materials.append(material)
    made = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(made)
    return made


def ground(name: str) -> None:
    plate("ground", [(-140, -60), (140, -60), (140, 140), (-140, 140)], 0.0, materials.get(name))


def hills(rng: Random, names: Sequence[str], number: int, near: float, far: float, high: tuple[float, float]) -> None:
    """Flat domes round the far half of the horizon."""
    toy = Toy()
    for k in range(number):
        turn = radians(rng.uniform(10, 170) if k % 2 else 10 + 160 * k / number)
        distance, wide = rng.uniform(near, far), rng.uniform(7, 14)
        toy.ball(
            (wide, wide * 0.8, rng.uniform(*high)),
            (distance * cos(turn), distance * sin(turn) + 3, -0.3),
            rng.choice(names),
        )
    toy.build("hills", placed(0, 0, 0))


def spots(rng: Random, number: int, prints: Sequence[Box], zone: Box, room: float = 0.25) -> list[tuple[float, float]]:
    """Up to `number` places inside the zone that keep `room` from all footprints."""
    found = []
    for _ in range(number):
        x, y = rng.uniform(zone[0], zone[2]), rng.uniform(zone[1], zone[3])
        if all(x < p[0] - room or x > p[2] + room or y < p[1] - room or y > p[3] + room for p in prints):
            found.append((x, y))
    return found


def _tufts(rng: Random, prints: Sequence[Box], material: str, zone: Box = (-7, -4, 7, 9), number: int = 90) -> None:
    toy = Toy()
    for x, y in spots(rng, number, prints, zone):
        for k in range(3):
            lean = (rng.uniform(-25, 25), rng.uniform(-25, 25), 0)
            toy.tube(
                0.03, rng.uniform(0.12, 0.24), (x + (k - 1) * 0.05, y, -0.02), material, lean, top=0.004, bevel=0.003
            )
    if toy.parts:
        toy.build("tufts", placed(0, 0, 0))


def _stones(rng: Random, prints: Sequence[Box], material: str, number: int, zone: Box = (-7, -3.5, 7, 9)) -> None:
    toy = Toy()
    for x, y in spots(rng, number, prints, zone, 0.3):
        size = rng.uniform(0.06, 0.16)
        toy.ball((size, size * 0.8, size * 0.55), (x, y, size * 0.15), material, (0, 0, rng.uniform(0, 180)))
    if toy.parts:
        toy.build("stones", placed(0, 0, 0))


def _beach(rng: Random, time: str, prints: Sequence[Box]) -> None:
    ground("sand")
    shore = [(x, 1.95 + 0.14 * sin(x * 0.9 + rng.random() * 0.2)) for x in np.linspace(-60, 60, 90)]
    plate("sea", [*shore, (200, 140), (-200, 140)], 0.012, materials.water("sea", "2E9CC4"))
    plate("wet sand", [*[(x, y - 0.3) for x, y in shore], *reversed(shore)], 0.006, materials.get("dune"))
    foam = Toy().limb([(x, y, 0.0) for x, y in shore[20:70]], 0.06, "flake")
    foam.limb([(x, y + 0.5 + 0.1 * sin(x * 2), 0.0) for x, y in shore[26:64]], 0.03, "flake")
    foam.build("foam", placed(0, 0, 0))
    Toy().ball((11, 6, 3.2), (rng.choice((-1, 1)) * rng.uniform(12, 26), 44, -0.4), "hill").build(
        "island", placed(0, 0, 0)
    )
    toy = Toy()
    for x, y in spots(rng, 16, prints, (-5, -3.2, 5, 1.3), 0.3):
        if rng.random() < 0.5:
            for turn in range(0, 360, 72):
                a = radians(turn)
                toy.ball((0.09, 0.035, 0.03), (x + 0.07 * cos(a), y + 0.07 * sin(a), 0.015), "star", (0, 0, turn))
        else:
            toy.ball((0.1, 0.08, 0.06), (x, y, 0.01), "shell", (0, 0, rng.uniform(0, 180)))
    if toy.parts:
        toy.build("shells", placed(0, 0, 0))


def _snow_field(rng: Random, time: str, prints: Sequence[Box]) -> None:
    ground("snow")
    hills(rng, ("snowhill", "snow"), 14, 20, 40, (1.5, 5.0))
    toy = Toy()
    for x, y in spots(rng, 14, prints, (-9, 3.2, 9, 12), 0.5) + spots(rng, 14, prints, (-6, -3, 6, 3), 1.4):
        size = rng.uniform(0.35, 0.9)
        toy.ball((size * 1.5, size, size * 0.2), (x, y, -0.02), "snow", (0, 0, rng.uniform(0, 180)))
    toy.build("mounds", placed(0, 0, 0))
    _pines(rng, 9, (-26, 16, 26, 30), True)


def _meadow(rng: Random, time: str, prints: Sequence[Box]) -> None:
    ground("meadow")
    hills(rng, ("hill", "hill2"), 14, 20, 40, (1.5, 4.5))
    _tufts(rng, prints, "stem", number=150)
    _stones(rng, prints, "stone", 8)


def _desert(rng: Random, time: str, prints: Sequence[Box]) -> None:
    ground("dune")
    hills(rng, ("dune", "dune2"), 16, 14, 36, (1.2, 4.0))
    _stones(rng, prints, "rock", 12)
    toy = Toy()
    for x, y in (
        (-4.6, rng.uniform(4, 7)),
        (rng.uniform(3.8, 5.4), rng.uniform(4, 8)),
        (rng.uniform(-2, 2), rng.uniform(7, 10)),
    ):
        tall = rng.uniform(1.5, 2.3)
        toy.limb([(x, y, -0.05), (x, y, tall / 2), (x, y, tall)], 0.24, "cactus")
        for side, z in ((-1, 0.4), (1, 0.55)):
            toy.limb(
                [(x, y, tall * z), (x + side * 0.5, y, tall * z + 0.06), (x + side * 0.55, y, tall * z + 0.6)],
                0.15,
                "cactus",
            )
    toy.build("cactus", placed(0, 0, 0))
    mesa = Toy()
    for x, y in ((-17, 30), (rng.uniform(8, 20), 34)):
        mesa.tube(rng.uniform(3.5, 5), rng.uniform(4, 6), (x, y, -0.2), "rock", top=3.2, bevel=0.5)
    mesa.build("mesa", placed(0, 0, 0))


def _lake(rng: Random, time: str, prints: Sequence[Box]) -> None:
    ground("meadow")
    turns = np.linspace(0, 2 * pi, 72, endpoint=False)
    rim = [(16 * cos(t), 8.2 + 7.4 * sin(t) + 0.05 * sin(9 * t)) for t in turns]
    plate("bank", [(x * 1.02, 8.2 + (y - 8.2) * 1.035) for x, y in rim], 0.006, materials.get("sand"))
    plate("lake", rim, 0.012, materials.water("lakewater", "3F8FB8"))
    hills(rng, ("hill", "hill2", "pine2"), 16, 26, 42, (2.0, 6.0))
    _tufts(rng, prints, "stem", (-6, -4, 6, 0.5), 60)
    reeds = Toy()
    for side in (-1, 1):
        for _ in range(12):
            x, y = side * rng.uniform(3.7, 6.2), rng.uniform(0.7, 2.2)
            tall = rng.uniform(0.6, 1.1)
            reeds.limb([(x, y, 0), (x + rng.uniform(-0.1, 0.1), y, tall)], 0.022, "reed")
            reeds.ball((0.05, 0.05, 0.14), (x, y, tall * 0.98), "bark")
    reeds.build("reeds", placed(0, 0, 0))


def _pines(rng: Random, number: int, zone: Box, snowy: bool = False) -> None:
    """Copies of two shapes of fir, which share their meshes."""
    shapes = []
    for kind in range(2):
        toy = Toy().tube(0.16, 0.7, (0, 0, -0.05), "bark")
        for k in range(4):
            low, wide = 0.5 + k * 0.62, 1.05 - k * 0.2
            toy.tube(wide, 0.95, (0, 0, low), ("pine", "pine2")[kind], top=0.06, bevel=0.05)
            if snowy:
                toy.tube(wide * 0.62, 0.6, (0, 0, low + 0.39), "snow", top=0.05, bevel=0.04)
        shapes.append(toy.build(f"fir {kind}", placed(0, -300, 0)).data)
    for _ in range(number):
        fir = bpy.data.objects.new("fir", rng.choice(shapes))
        fir.matrix_world = placed(
            rng.uniform(zone[0], zone[2]), rng.uniform(zone[1], zone[3]), 0, rng.uniform(0, 360), rng.uniform(1.1, 2.0)
        )
        bpy.context.scene.collection.objects.link(fir)


def _forest(rng: Random, time: str, prints: Sequence[Box]) -> None:
    ground("forestfloor")
    for zone, number in (((-9, 5.8, 9, 8), 14), ((-16, 8, 16, 13), 26), ((-28, 12, 28, 24), 34)):
        _pines(rng, number, zone)
    _tufts(rng, prints, "leaf", number=60)
    toy = Toy()
    for x, y in spots(rng, 9, prints, (-4.5, -2.8, 4.5, 3.5), 0.3):
        for k in range(2):
            size = rng.uniform(0.7, 1.1)
            toy.tube(0.04 * size, 0.14 * size, (x + k * 0.16, y, 0), "cream").ball(
                (0.11 * size, 0.11 * size, 0.075 * size), (x + k * 0.16, y, 0.14 * size), "barn"
            )
    if toy.parts:
        toy.build("mushrooms", placed(0, 0, 0))


def _farm(rng: Random, time: str, prints: Sequence[Box]) -> None:
    ground("farmgrass")
    hills(rng, ("hill", "hill2", "field"), 14, 26, 42, (1.5, 4.5))
    side = rng.choice((-1, 1))
    toy = Toy().box((4.4, 3.4, 2.6), (0, 0, 1.3), "barn", 0.05)
    toy.prism([(-2.2, 2.55), (2.2, 2.55), (1.5, 3.7), (0, 4.35), (-1.5, 3.7)], 3.35, (0, 0, 0), "barn", 0.04)
    for end in (-1, 1):
        toy.box((1.45, 3.8, 0.14), (end * 1.9, 0, 3.15), "charcoal", 0.03, (0, end * 58.6, 0))
        toy.box((1.75, 3.8, 0.14), (end * 0.76, 0, 4.08), "charcoal", 0.03, (0, end * 23.5, 0))
        toy.box((0.12, 0.1, 1.9), (end * 0.8, -1.72, 0.95), "paper", 0.02).box(
            (0.1, 0.1, 2.45), (0, -1.72, 0.95), "paper", 0.02, (0, end * 39, 0)
        )
    toy.box((1.7, 0.1, 0.12), (0, -1.72, 1.88), "paper", 0.02).box((0.7, 0.1, 0.6), (0, -1.7, 3.1), "paper", 0.03)
    toy.tube(0.9, 4.2, (-3.6 * side, 0.5, 0), "steel").ball((0.92, 0.92, 0.7), (-3.6 * side, 0.5, 4.2), "metal")
    toy.build("barn", placed(side * rng.uniform(3.2, 4.6), rng.uniform(7.8, 9.2), 0, -side * rng.uniform(5, 20)))
    field = Toy()
    for k in range(16):
        y = 5.4 + k * 0.6
        field.limb([(-side * 3.2, y, 0), (-side * 9, y, 0), (-side * 24, y, 0)], 0.2, "field" if k % 2 else "furrow")
    field.build("rows", placed(0, 0, 0))
    bales = Toy()
    for x, y in ((-side * 3.9, 4.0), (-side * 5.2, 4.4), (side * 6.2, 4.6)):
        bales.tube(0.5, 0.85, (x, y, 0.5), "field", (90, 0, 20), bevel=0.08)
    bales.build("hay", placed(0, 0, 0))
    _tufts(rng, prints, "stem", (-7, -4, 7, 4), 80)
