"""A town street: pavement in front, a road along x, and a row of facades whose windows are lit at night."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from .layout import Box
from .shapes import Toy, placed

NEAR, FAR, FACADE = -0.75, 1.95, 4.4  # y of the kerbs and of the house fronts


def build(rng: Random, time: str, prints: Sequence[Box]) -> None:
    """The road's y range must hold the zone "road" of `layout.GROUND`."""
    base = Toy()
    base.box((90, 40, 0.2), (0, NEAR - 20, -0.1), "pavement", 0.01).box(
        (90, FAR - NEAR, 0.2), (0, (FAR + NEAR) / 2, -0.1), "asphalt", 0.01
    )
    base.box((90, 30, 0.2), (0, FAR + 15, -0.1), "pavement", 0.01)
    for y in (NEAR, FAR):
        base.box((90, 0.14, 0.08), (0, y, 0.02), "kerb", 0.02)
    for k in range(-22, 23):
        base.box((0.8, 0.09, 0.012), (k * 1.9, (NEAR + FAR) / 2, 0.004), "line", 0.003)
    for k in range(-24, 25):
        base.box((0.025, 6, 0.004), (k * 1.3, NEAR - 3.1, 0.0), "stone", 0.001)
    base.build("ground", placed(0, 0, 0))
    x, last = -24.0, -1
    while x < 24:
        wide = rng.uniform(2.3, 3.3)
        last = rng.choice([k for k in range(5) if k != last])
        _facade(rng, x + wide / 2, wide, rng.choice((3.4, 4.4, 5.4)), f"facade{last}", time == "night")
        x += wide


def _facade(rng: Random, x: float, wide: float, tall: float, wall: str, night: bool) -> None:
    toy = (
        Toy()
        .box((wide - 0.04, 2.0, tall), (0, 1.0, tall / 2), wall, 0.03)
        .box((wide + 0.06, 2.2, 0.18), (0, 0.95, tall), "cream", 0.04)
    )
    columns = 2 if wide < 2.7 else 3
    for floor in range(1, int((tall - 0.4) / 1.05) + 1):
        for k in range(columns):
            px, pz = (k - (columns - 1) / 2) * wide / columns, 0.75 + floor * 1.05
            if pz > tall - 0.4:
                continue
            glass = "lit" if night and rng.random() < 0.6 else ("charcoal" if night else "window")
            toy.box((0.56, 0.06, 0.7), (px, -0.02, pz), "paper", 0.015).box(
                (0.44, 0.08, 0.58), (px, -0.025, pz), glass, 0.01
            )
            toy.box((0.62, 0.14, 0.06), (px, -0.05, pz - 0.38), "cream", 0.015)
    door = rng.choice((-1, 1)) * wide * 0.28
    toy.box((0.62, 0.08, 1.15), (door, -0.03, 0.58), rng.choice(("darkwood", "cupboard", "roof")), 0.02).ball(
        0.04, (door + 0.2, -0.09, 0.58), "gold"
    )
    shop = -door * 0.85
    toy.box((1.0, 0.08, 0.8), (shop, -0.03, 0.72), "lit" if night else "window", 0.02)
    for k in range(6):
        toy.box(
            (0.19, 0.55, 0.05), (shop + (k - 2.5) * 0.19, -0.26, 1.25), ("paper", "roof")[k % 2], 0.015, (-24, 0, 0)
        )
    toy.build("facade", placed(x, FACADE, 0))
