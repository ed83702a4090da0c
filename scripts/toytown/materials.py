"""Toy-like materials by name, made on demand: glossy plastic, matt wood, glowing lamps; with haze that thickens with distance."""

from __future__ import annotations

from dataclasses import dataclass

import bpy

# Base colours as sRGB hex; `world.COLOURS` come first and are kept well apart from each other.
HEX = {
    "red": "D9231F", "orange": "F57C12", "yellow": "F9CB22", "green": "35A047", "blue": "2464D8", "purple": "7538B5",
    "pink": "F585B4", "brown": "74441F", "black": "1D1E22", "white": "F3F2EC",
    "wood": "B9824C", "darkwood": "6B4528", "bark": "7A5638", "rubber": "26272B", "metal": "C9CED6", "steel": "8A929C",
    "glass": "A9D8F0", "window": "8CC4E6", "cream": "F4E6C8", "paper": "FBF8EE", "grey": "9A9DA3", "stone": "B5AFA5",
    "gold": "E7B23A", "nose": "3A2A25", "eye": "15151A", "beak": "F08A1C", "carrot": "F0781C", "hoof": "3B2C22",
    "muzzle": "EBC9B4", "blush": "F2A3A0", "soil": "6A4A32", "denim": "33507E", "khaki": "A68F63", "charcoal": "3D4048",
    "skin0": "F6CFB0", "skin1": "E0A77E", "skin2": "B0764C", "skin3": "7A4D30",
    "hair0": "3A241A", "hair1": "A5672B", "hair2": "1C1A1C", "hair3": "E3B85A", "leaf": "2F8F3E", "stem": "4C9A3C",
    "grass": "7CBF4B", "meadow": "A3C56C", "farmgrass": "ABBF66", "forestfloor": "78994E", "pine": "2E6E45", "pine2": "3D8052",
    "sand": "F0D9A0", "dune": "E8B976", "dune2": "DFA35F", "rock": "C98B5A", "cactus": "4F9A57", "snow": "DFE9F6",
    "asphalt": "5E636C", "pavement": "CFC9BE", "kerb": "E6E2D9", "line": "F7F4EA", "hill": "84AE68", "hill2": "9DC083",
    "snowhill": "CFDFF2", "brick": "C96F52", "facade0": "F2C9A1", "facade1": "A8CDE0", "facade2": "F0E0B0", "facade3": "D8A7B1",
    "facade4": "B7D3B0", "roof": "9C4B3B", "tile": "F1EEE6", "tile2": "BFD8DA", "cupboard": "86B5A8", "counter": "EFE3D0",
    "wall": "F3DFC1", "wall2": "D7E3E8", "parquet": "C79A66", "carpet": "D98B73", "carpet2": "F1DDBF", "sofa": "5E8C94",
    "barn": "B5372C", "field": "D9B85A", "furrow": "8A613D", "shell": "F7D5CB", "star": "EF8354", "reed": "6F9C4A",
}  # fmt: skip
GLOW = {
    "lamplight": ("FFE3A0", 9.0), "lit": ("FFD27A", 2.2),
    "daysky": ("A9D6F5", 0.8), "nightsky": ("141C44", 0.5), "moon": ("FDF6DC", 3.5), "starlight": ("FFFFFF", 2.5),
    "cloud": ("FFFFFF", 0.0), "flake": ("FFFFFF", 0.75), "drop": ("BFD4EA", 0.45), "cord": ("F5F5F5", 0.25),
}  # fmt: skip
MATT = {
    "grass", "meadow", "farmgrass", "forestfloor", "sand", "dune", "dune2", "snow", "asphalt", "pavement", "hill", "hill2",
    "snowhill", "wall", "wall2", "carpet", "carpet2", "cloud", "field", "furrow", "wood", "bark", "brick",
    "soil", "kerb", "rock", "sofa", "pine", "pine2", "leaf", "stone", "darkwood", "parquet",
}  # fmt: skip
MOTTLED = {
    "grass": 9.0, "meadow": 3.0, "farmgrass": 3.0, "forestfloor": 3.0, "sand": 5.0, "dune": 2.0, "snow": 1.2, "asphalt": 12.0,
    "pavement": 6.0, "hill": 1.0, "hill2": 0.6, "dune2": 0.7, "carpet": 30.0, "field": 6.0,
}  # fmt: skip


@dataclass
class Haze:
    """Colour of the air (linear RGB) and the distance in units at which it hides 63 % of a thing; infinite when clear."""

    colour: tuple[float, float, float] = (0.8, 0.88, 1.0)
    distance: float = float("inf")


haze = Haze()


def linear(hexed: str) -> tuple[float, float, float]:
    """sRGB hex to the linear RGB that the renderer works in."""
    parts = [int(hexed[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    return tuple(p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)  # type: ignore[return-value]


def get(name: str) -> bpy.types.Material:
    """The material of that name in the present scene; an unknown name is a KeyError."""
    found = bpy.data.materials.get(name)
    return found if found is not None else _make(name)


def _make(name: str) -> bpy.types.Material:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader, output = nodes["Principled BSDF"], nodes["Material Output"]
    if name in MATT:  # a plain diffuse surface is cheaper to sample and looks the same at this size
        nodes.remove(shader)
        shader = nodes.new("ShaderNodeBsdfDiffuse")
        links.new(shader.outputs[0], output.inputs["Surface"])
    hexed, strength = GLOW[name] if name in GLOW else (HEX[name], 0.0)
    colour = (*linear(hexed), 1.0)
    shader.inputs[0].default_value = colour  # "Base Color" of the one, "Color" of the other
    if name not in MATT:
        shader.inputs["Roughness"].default_value = 0.32
    if name in ("metal", "steel", "gold"):
        shader.inputs["Metallic"].default_value = 0.6
    if strength:
        shader.inputs["Emission Color"].default_value = colour
        shader.inputs["Emission Strength"].default_value = strength
    if name in MOTTLED:
        _mottle(material, shader, colour, MOTTLED[name])
    if haze.distance != float("inf") and name not in ("moon", "starlight"):
        _add_haze(nodes, links, shader, output)
    return material


def _mottle(material: bpy.types.Material, shader: bpy.types.Node, colour: tuple[float, ...], scale: float) -> None:
    """Soft light and dark patches, so that big grounds do not look like paper."""
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place, noise, ramp = nodes.new("ShaderNodeNewGeometry"), nodes.new("ShaderNodeTexNoise"), nodes.new("ShaderNodeMix")
    noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = scale, 2.0
    ramp.data_type = "RGBA"
    ramp.inputs["A"].default_value = (*(c * 0.78 for c in colour[:3]), 1.0)
    ramp.inputs["B"].default_value = (*(min(1.0, c * 1.18) for c in colour[:3]), 1.0)
    links.new(place.outputs["Position"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], ramp.inputs["Factor"])
    links.new(ramp.outputs["Result"], shader.inputs[0])


def _add_haze(
    nodes: bpy.types.Nodes, links: bpy.types.NodeLinks, shader: bpy.types.Node, output: bpy.types.Node
) -> None:
    """Mixes towards the colour of the air with 1 - exp(-distance / haze.distance): a fog that costs no volume samples."""
    camera, power = nodes.new("ShaderNodeCameraData"), nodes.new("ShaderNodeMath")
    blend, air = nodes.new("ShaderNodeMixShader"), nodes.new("ShaderNodeEmission")
    power.operation = "POWER"
    power.inputs[0].default_value = 2.718281828 ** (-1.0 / haze.distance)
    links.new(camera.outputs["View Distance"], power.inputs[1])
    air.inputs["Color"].default_value = (*haze.colour, 1.0)
    links.new(power.outputs[0], blend.inputs["Fac"])
    links.new(air.outputs[0], blend.inputs[1])
    links.new(shader.outputs[0], blend.inputs[2])
    links.new(blend.outputs[0], output.inputs["Surface"])


def water(name: str, hexed: str) -> bpy.types.Material:
    """A glossy, rippled surface that mirrors the sky without costly refraction."""
    found = bpy.data.materials.get(name)
    if found is not None:
        return found
    HEX.setdefault(name, hexed)
    material = _make(name)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = 0.12
    place, stretch = nodes.new("ShaderNodeNewGeometry"), nodes.new("ShaderNodeMapping")
    noise, bump = nodes.new("ShaderNodeTexNoise"), nodes.new("ShaderNodeBump")
    stretch.inputs["Scale"].default_value = (0.7, 2.2, 1.0)
    noise.inputs["Scale"].default_value = 1.6
    bump.inputs["Strength"].default_value, bump.inputs["Distance"].default_value = 0.35, 0.25
    links.new(place.outputs["Position"], stretch.inputs["Vector"])
    links.new(stretch.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs["Fac"], bump.inputs["Height"])
    links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    return material
