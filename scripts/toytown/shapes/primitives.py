"""Bevelled primitives in numpy and bmesh, gathered part by part into one smooth-shaded object a toy.

Lengths are Blender units, angles degrees. A toy's origin is the middle of its underside, z points up. Long toys (vehicles,
animals) look along +x, all others (people, houses, chairs) look along -y, towards the camera.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, radians, sin

import bmesh
import bpy
import numpy as np
from mathutils import Euler, Matrix, Vector

from .. import materials

Point = Sequence[float]
Shape = tuple[np.ndarray, list[tuple[int, ...]]]


def rounded_box(size: Point, bevel: float) -> Shape:
    """A box of full lengths `size` around the origin with rounded edges."""
    mesh = bmesh.new()
    bmesh.ops.create_cube(mesh, size=1.0, matrix=Matrix.Diagonal((*size, 1.0)))
    bevel = min(bevel, 0.48 * min(size))
    bmesh.ops.bevel(mesh, geom=mesh.edges[:], offset=bevel, segments=3, profile=0.5, affect="EDGES")
    return _take(mesh)


def prism(outline: Sequence[tuple[float, float]], depth: float, bevel: float) -> Shape:
    """The polygon `outline` in the x-z plane, `depth` thick along y, edges rounded."""
    mesh = bmesh.new()
    face = mesh.faces.new([mesh.verts.new((x, -depth / 2, z)) for x, z in outline])
    grown = bmesh.ops.extrude_face_region(mesh, geom=[face])
    bmesh.ops.translate(mesh, vec=(0, depth, 0), verts=[v for v in grown["geom"] if isinstance(v, bmesh.types.BMVert)])
    bmesh.ops.recalc_face_normals(mesh, faces=mesh.faces[:])
    bmesh.ops.bevel(mesh, geom=mesh.edges[:], offset=bevel, segments=2, profile=0.5, affect="EDGES", clamp_overlap=True)
    return _take(mesh)


def lathe(profile: Sequence[tuple[float, float]], segments: int = 24) -> Shape:
    """The line of (radius, z) points turned round the z axis; ends are closed where the radius is not zero."""
    points = np.array(profile, dtype=float)
    angles = np.arange(segments) * 2 * pi / segments
    rings = len(points)
    circle = np.stack([np.cos(angles), np.sin(angles)], 1)
    verts = np.concatenate([np.column_stack([circle * max(r, 1e-4), np.full(segments, z)]) for r, z in points])
    faces: list[tuple[int, ...]] = []
    for ring in range(rings - 1):
        low, high = ring * segments, (ring + 1) * segments
        for i in range(segments):
            j = (i + 1) % segments
            faces.append((low + i, low + j, high + j, high + i))
    faces.append(tuple(reversed(range(segments))))
    faces.append(tuple(range((rings - 1) * segments, rings * segments)))
    return verts, faces


def rounded_profile(bottom: float, top: float, height: float, bevel: float) -> list[tuple[float, float]]:
    """The profile of a (tapered) cylinder from z = 0 to `height` with rounded rims."""
    bevel = min(bevel, 0.45 * height, 0.98 * max(bottom, 1e-3), 0.98 * max(top, 1e-3))
    arc = [i * pi / 8 for i in range(5)]
    low = [(bottom - bevel + bevel * sin(a), bevel - bevel * cos(a)) for a in arc]
    high = [(top - bevel + bevel * cos(a), height - bevel + bevel * sin(a)) for a in arc]
    return [(0.0, 0.0), *low, *high, (0.0, height)]


def sweep(points: Sequence[Point], radii: Sequence[float], sides: int = 12) -> Shape:
    """A round limb through `points`, `radii` thick at each, smoothly bent, with round ends."""
    path, thick = _smooth(np.array(points, dtype=float), np.array(radii, dtype=float))
    tangents = np.gradient(path, axis=0)
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True) + 1e-9
    caps_before = [(path[0] - tangents[0] * thick[0] * sin(a), thick[0] * cos(a)) for a in (1.5, 1.1, 0.55)]
    caps_after = [(path[-1] + tangents[-1] * thick[-1] * sin(a), thick[-1] * cos(a)) for a in (0.55, 1.1, 1.5)]
    centres = [p for p, _ in caps_before] + list(path) + [p for p, _ in caps_after]
    widths = [r for _, r in caps_before] + list(thick) + [r for _, r in caps_after]
    ways = [tangents[0]] * 3 + list(tangents) + [tangents[-1]] * 3
    side = np.cross(ways[0], [0.0, 0.0, 1.0] if abs(ways[0][2]) < 0.9 else [1.0, 0.0, 0.0])
    verts = []
    for centre, width, way in zip(centres, widths, ways, strict=True):
        side = side - way * np.dot(side, way)  # carried along, so that the limb does not twist
        side /= np.linalg.norm(side)
        other = np.cross(way, side)
        turn = np.arange(sides) * 2 * pi / sides
        verts.append(centre + width * (np.outer(np.cos(turn), side) + np.outer(np.sin(turn), other)))
    rings = len(verts)
    faces: list[tuple[int, ...]] = [
        (r * sides + i, r * sides + (i + 1) % sides, (r + 1) * sides + (i + 1) % sides, (r + 1) * sides + i)
        for r in range(rings - 1)
        for i in range(sides)
    ]
    faces += [tuple(reversed(range(sides))), tuple(range((rings - 1) * sides, rings * sides))]
    return np.concatenate(verts), faces


class Toy:
    """A toy under construction: parts with a material name each, made into one object by `build`."""

    def __init__(self) -> None:
        self.parts: list[tuple[np.ndarray, list[tuple[int, ...]], str]] = []
        self.lights: list[tuple[Point, float]] = []  # (place, watts) of lamps that burn
        self.strings: list[tuple[Point, Point]] = []  # thin cords that belong to no mask

    def add(
        self, shape: Shape, material: str, at: Point = (0, 0, 0), turn: Point = (0, 0, 0), size: Point = (1, 1, 1)
    ) -> Toy:
        """Adds a shape, scaled by `size`, then turned by Euler angles `turn`, then moved to `at`."""
        verts, faces = shape
        rotation = np.array(Euler([radians(a) for a in turn]).to_matrix())
        self.parts.append((verts * np.array(size) @ rotation.T + np.array(at), faces, material))
        return self

    def box(self, size: Point, at: Point, material: str, bevel: float = 0.05, turn: Point = (0, 0, 0)) -> Toy:
        """A rounded box whose middle is at `at`."""
        return self.add(rounded_box(size, bevel), material, at, turn)

    def ball(self, size: float | Point, at: Point, material: str, turn: Point = (0, 0, 0)) -> Toy:
        """An ellipsoid with radii `size` round `at`."""
        radii = (size, size, size) if isinstance(size, (int, float)) else size
        arc = [(sin(i * pi / 12), -cos(i * pi / 12)) for i in range(13)]
        return self.add(lathe(arc, 20), material, at, turn, radii)

    def tube(
        self, radius: float, length: float, at: Point, material: str, turn: Point = (0, 0, 0),
        top: float | None = None, bevel: float = 0.03,
    ) -> Toy:  # fmt: skip
        """A cylinder, or cone with another `top` radius, that stands on `at`."""
        profile = rounded_profile(radius, radius if top is None else top, length, bevel)
        return self.add(lathe(profile), material, at, turn)

    def wheel(self, radius: float, width: float, at: Point, hub: str = "metal") -> Toy:
        """A wheel that rolls along x, its middle at `at`."""
        x, y, z = at
        self.tube(radius, width, (x, y + width / 2, z), "rubber", (90, 0, 0), bevel=width * 0.35)
        return self.tube(radius * 0.55, width + 0.03, (x, y + width / 2 + 0.015, z), hub, (90, 0, 0), bevel=0.015)

    def ring(self, major: float, minor: float, at: Point, material: str, turn: Point = (0, 0, 0)) -> Toy:
        """A torus in the x-y plane before it is turned."""
        arc = [(major + minor * cos(a), minor * sin(a)) for a in np.linspace(-pi, pi, 13)]
        verts, faces = lathe(arc, 28)
        return self.add((verts, faces[:-2]), material, at, turn)

    def prism(
        self,
        outline: Sequence[tuple[float, float]],
        depth: float,
        at: Point,
        material: str,
        bevel: float = 0.03,
        turn: Point = (0, 0, 0),
    ) -> Toy:
        """A thick plate of the x-z `outline`."""
        return self.add(prism(outline, depth, bevel), material, at, turn)

    def limb(self, points: Sequence[Point], radii: float | Sequence[float], material: str) -> Toy:
        """A bent round limb; see `sweep`."""
        widths = [radii] * len(points) if isinstance(radii, (int, float)) else radii
        return self.add(sweep(points, widths), material)

    def build(self, name: str, matrix: Matrix) -> bpy.types.Object:
        """One object in the scene, smooth with area-weighted normals, so that flat sides stay flat next to round edges."""
        names = sorted({material for _, _, material in self.parts})
        verts, faces, slots, start = [], [], [], 0
        for part, polygons, material in self.parts:
            verts.append(part)
            faces += [tuple(start + i for i in polygon) for polygon in polygons]
            slots += [names.index(material)] * len(polygons)
            start += len(part)
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(np.concatenate(verts).tolist(), [], faces)
        for material in names:
            mesh.materials.append(materials.get(material))
        mesh.polygons.foreach_set("material_index", slots)
        mesh.polygons.foreach_set("use_smooth", [True] * len(faces))
        mesh.normals_split_custom_set_from_vertices(_weighted_normals(mesh))
        thing = bpy.data.objects.new(name, mesh)
        thing.matrix_world = matrix
        bpy.context.scene.collection.objects.link(thing)
        return thing


def _weighted_normals(mesh: bpy.types.Mesh) -> list[list[float]]:
    count = len(mesh.polygons)
    normals, areas, totals = np.zeros(count * 3, np.float32), np.zeros(count, np.float32), np.zeros(count, np.int32)
    mesh.polygons.foreach_get("normal", normals)
    mesh.polygons.foreach_get("area", areas)
    mesh.polygons.foreach_get("loop_total", totals)
    corners = np.zeros(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    weighted = np.repeat(normals.reshape(-1, 3) * areas[:, None], totals, axis=0)
    sums = np.zeros((len(mesh.vertices), 3))
    np.add.at(sums, corners, weighted)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(lengths > 1e-12, sums / np.maximum(lengths, 1e-12), [0.0, 0.0, 1.0]).tolist()


def _smooth(points: np.ndarray, radii: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A Catmull-Rom line through the points, six steps a piece."""
    if len(points) < 3:
        return points, radii
    data = np.column_stack([points, radii])
    padded = np.vstack([2 * data[0] - data[1], data, 2 * data[-1] - data[-2]])
    out = []
    for i in range(len(data) - 1):
        a, b, c, d = padded[i : i + 4]
        for t in np.linspace(0, 1, 6, endpoint=False):
            out.append(
                0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
            )
    line = np.vstack([*out, data[-1]])
    return line[:, :3], np.maximum(line[:, 3], 1e-3)


def _take(mesh: bmesh.types.BMesh) -> Shape:
    mesh.verts.index_update()
    verts = np.array([v.co for v in mesh.verts])
    faces = [tuple(v.index for v in face.verts) for face in mesh.faces]
    mesh.free()
    return verts, faces


def placed(x: float, y: float, z: float, yaw: float = 0.0, scale: float = 1.0) -> Matrix:
    """The matrix of a toy that stands at (x, y, z), turned by `yaw` degrees about z."""
    return Matrix.LocRotScale(Vector((x, y, z)), Euler((0, 0, radians(yaw))), Vector((scale, scale, scale)))
