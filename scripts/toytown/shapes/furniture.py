"""Benches, tables and chairs; they look along -y. Seat and table tops match `catalog.TOP`."""

from __future__ import annotations

from .primitives import Toy


def bench(c: str) -> Toy:
    toy = Toy()
    for y in (-0.2, 0.0, 0.2):
        toy.box((1.6, 0.17, 0.07), (0, y, 0.465), c, 0.025)
    for z in (0.68, 0.88):
        toy.box((1.6, 0.07, 0.15), (0, 0.32 + (z - 0.6) * 0.15, z), c, 0.025, (-8, 0, 0))
    for x in (-0.62, 0.62):
        toy.limb([(x, -0.22, 0), (x, -0.22, 0.42)], 0.05, "charcoal").limb(
            [(x, 0.25, 0), (x, 0.25, 0.45), (x, 0.41, 0.95)], 0.05, "charcoal"
        )
        toy.limb([(x, -0.24, 0.42), (x, 0.28, 0.42)], 0.045, "charcoal")
    return toy


def table(c: str) -> Toy:
    toy = Toy().box((1.7, 1.05, 0.1), (0, 0, 0.9), c, 0.04).box((1.5, 0.86, 0.06), (0, 0, 0.84), c, 0.02)
    for x in (-0.72, 0.72):
        for y in (-0.42, 0.42):
            toy.tube(0.06, 0.86, (x, y, 0), c, top=0.085)
    return toy


def chair(c: str) -> Toy:
    toy = Toy().box((0.72, 0.7, 0.1), (0, 0, 0.5), c, 0.04)
    for x in (-0.29, 0.29):
        toy.tube(0.05, 0.5, (x, -0.27, 0), c).limb([(x, 0.28, 0), (x, 0.29, 0.5), (x, 0.36, 1.2)], 0.055, c)
    toy.box((0.56, 0.06, 0.2), (0, 0.345, 1.08), c, 0.03, (-6, 0, 0))
    return toy.box((0.56, 0.06, 0.12), (0, 0.315, 0.8), c, 0.03, (-6, 0, 0))
