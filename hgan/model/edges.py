"""Edge terms: pairs of words meet pairs of things (design section 5).

A text edge is a pair of words with a predicate vector u, an image edge an ordered pair of things (a, b) with phi, a small map
of their geometry. How well they match is

    c = (cos(i, a) + cos(j, b)) / 2 + u . phi(a, b),

the value of a text edge is the soft maximum of c over all pairs of things, and the edge level is the mean of these values with
the sentence's own edge weights. Pure functions over (images x texts) blocks; nothing is stored of a picture but its boxes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..types import OBJECT, ImageEdges, ImageGraph, TextEdges, TextGraph
from .boxes import area, intersection, xyxy_to_cxcywh
from .soft_maximum import LN2, NOTHING

GEOMETRY_DIM = 14
PREDICATE_NORM = 0.5  # |u . phi| stays below it, so that |c| stays below 3/2
MIN_EDGE_TEMPERATURE = 0.03  # exp(1.5 / 0.03), times the number of pairs, still fits in float32
NEVER = -1e4  # the match of a pair that is none: finite, and nothing next to any other
BLOCK = 2**18  # matches that are worked on together where no gradient is wanted: they stay in the processor's cache


@dataclass(frozen=True)
class EdgeParameters:
    """What edge terms need besides the graphs.

    Attributes:
        temperature: of the soft maximum over pairs of things, at least MIN_EDGE_TEMPERATURE.
        share: most that edges take of the local level (r_max).
        things: how many things of a picture make pairs.
        geometry: the map of a pair's geometry to phi.
    """

    temperature: Float[Tensor, ""]
    share: float
    things: int
    geometry: GeometryMap

    def to(self, device: torch.device | str) -> EdgeParameters:
        """A copy on a device, apart from the model."""
        geometry = copy.deepcopy(self.geometry).to(device).requires_grad_(False)
        return replace(self, temperature=self.temperature.detach().to(device), geometry=geometry)


class GeometryMap(nn.Module):
    """phi: where thing b lies, seen from thing a, as a vector of unit length.

    Args:
        dim: width of phi.
        hidden: width of the hidden layer.
    """

    def __init__(self, dim: int, hidden: int = 32) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(GEOMETRY_DIM, hidden), nn.GELU(), nn.Linear(hidden, dim))

    @torch.no_grad()
    def begin(self) -> None:
        """Initial weights: the widths of the layers count, as a direction has to be told from the first step on."""
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, boxes: Float[Tensor, "batch things 4"]) -> Float[Tensor, "batch things things dim"]:
        """Of every ordered pair of things (first, second); boxes are normalised XYXY."""
        return F.normalize(self.layers(pair_geometry(boxes.float())), dim=-1)


def pair_geometry(boxes: Float[Tensor, "batch things 4"]) -> Float[Tensor, "batch things things 14"]:
    """Geometry of thing b (third axis) seen from thing a (second axis).

    Features: offset of the centres in shares of the picture (2), the same in sizes of both, as signed logarithm (2), direction
    (2), log ratio of widths, heights and areas (3), difference of upper and of lower edges (2), how much of a lies in b, how
    much of b lies in a, and their IoU (3).
    """
    centre_size = xyxy_to_cxcywh(boxes)
    centre, size = centre_size[..., :2], centre_size[..., 2:].clamp(min=1e-2)
    offset = centre[:, None] - centre[:, :, None]  # (B, a, b, 2)
    both = (size[:, None] + size[:, :, None]) / 2
    steps = offset / both
    direction = offset / offset.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    ratio = size[:, None].log() - size[:, :, None].log()
    edges = boxes[:, None, :, 1::2] - boxes[:, :, None, 1::2]  # upper and lower
    inter = intersection(boxes[:, :, None], boxes[:, None])[..., None]
    own, other = area(boxes)[:, :, None, None].clamp(min=1e-6), area(boxes)[:, None, :, None].clamp(min=1e-6)
    union = (own + other - inter).clamp(min=1e-6)
    return torch.cat(
        [
            offset, steps.sign() * steps.abs().log1p(), direction, ratio, ratio.sum(-1, keepdim=True), edges,
            inter / own, inter / other, inter / union,
        ],
        -1,
    )  # fmt: skip


def image_edges(image: ImageGraph, parameters: EdgeParameters) -> ImageEdges:
    """All ordered pairs of the best things of each picture: its objects with the highest detector scores."""
    most = min(parameters.things, image.mask.shape[1])
    real = image.mask & (image.kinds == OBJECT)
    things = image.scores.float().masked_fill(~real, -1.0).topk(most, 1).indices  # (B, A)
    real = real.gather(1, things)
    boxes = image.boxes.gather(1, things[..., None].expand(-1, -1, 4))
    apart = ~torch.eye(most, dtype=torch.bool, device=things.device)
    mask = real[:, :, None] & real[:, None, :] & apart
    return ImageEdges(things, parameters.geometry(boxes) * mask[..., None], mask)


def edge_values(
    cosines: Float[Tensor, "images regions texts words"],
    image: ImageEdges,
    text: TextEdges,
    temperature: Float[Tensor, ""],
) -> Float[Tensor, "images texts edges"]:
    """The soft maximum of the matches of each text edge over the pairs of each picture; 0 in a picture without pairs.

    Args:
        cosines: of all nodes.
    """
    if torch.is_grad_enabled():
        return _block_of_values(cosines, image, text, temperature)
    per_image = image.mask[0].numel() * text.mask.numel()
    rows = max(1, BLOCK // max(1, per_image))
    columns = max(1, BLOCK // max(1, image.mask[0].numel() * text.mask.shape[1]))
    values = cosines.new_empty(len(image), *text.mask.shape)
    for left in range(0, len(text), columns):
        some = slice(left, left + columns)
        for top in range(0, len(image), rows):
            own = slice(top, top + rows)
            values[own, some] = _block_of_values(cosines[own, :, some], image[own], text[some], temperature)
    return values


def _block_of_values(cosines: Tensor, image: ImageEdges, text: TextEdges, temperature: Tensor) -> Tensor:
    """`edge_values` at once."""
    subjects, objects, fit = edge_parts(cosines, image, text)
    matches = (
        fit.add_(subjects[:, :, None]).add_(objects[:, None])
        if not fit.requires_grad
        else (fit + subjects[:, :, None] + objects[:, None])
    )  # (I, A, A, T, E)
    weights = (matches / (LN2 * temperature)).exp2() * image.mask[..., None, None]
    return (weights * matches).sum((1, 2)) / weights.sum((1, 2)).clamp(min=NOTHING)


def edge_parts(cosines: Tensor, image: ImageEdges, text: TextEdges) -> tuple[Tensor, Tensor, Tensor]:
    """The parts of every match: half the cosines of first words and of second words with things, each (I, A, T, E), and
    u . phi (I, A, A, T, E)."""
    images, things = image.things.shape
    texts, edges = text.mask.shape
    words = cosines.shape[3]
    on_things = cosines.gather(1, image.things[:, :, None, None].expand(-1, -1, texts, words)) / 2
    subjects, objects = (
        on_things.gather(3, nodes.expand(images, things, -1, -1)) for nodes in (text.first, text.second)
    )
    fit = image.phi.flatten(0, 2) @ text.predicate.flatten(0, 1).T  # (I * A * A, T * E)
    return subjects, objects, fit.view(images, things, things, texts, edges)


def edge_level(
    values: Float[Tensor, "images texts edges"], text: TextEdges, share: float
) -> tuple[Float[Tensor, "images texts"], Float[Tensor, " texts"]]:
    """What edges bring to the local level, and how much of it nodes keep: local = kept * nodes + edges.

    The share of the edges is r = share * (1 - null weight), and they divide it by their weights: edges = share * sum of
    weight * value, kept = 1 - r. A sentence with the null edge alone keeps nodes alone.
    """
    return share * (values * text.weight).sum(-1), 1 - share * text.weight.sum(-1)


def edge_matches(
    image: ImageGraph, text: TextGraph, parameters: EdgeParameters
) -> Float[Tensor, "images texts edges pairs"]:
    """The match c of every text edge with every pair of things, pairs in the order of `ImageEdges.first` and `second`; NEVER
    where the pair or the edge is none.

    Raises:
        ValueError: the text graph has no edges.
    """
    edges, pairs = _edges_of(text), image_edges(image, parameters)
    cosines = torch.einsum("ird,twd->irtw", image.nodes, text.nodes)
    subjects, objects, fit = edge_parts(cosines, pairs, edges)
    matches = (fit + subjects[:, :, None] + objects[:, None]).flatten(1, 2).permute(0, 2, 3, 1)
    real = pairs.mask.flatten(1)[:, None, None, :] & edges.mask[None, :, :, None]
    return matches.masked_fill(~real, NEVER)


def edge_matches_of(
    image: ImageGraph,
    text: TextGraph,
    image_rows: Int[Tensor, " chosen"],
    text_columns: Int[Tensor, " chosen"],
    parameters: EdgeParameters,
) -> Float[Tensor, "chosen edges pairs"]:
    """`edge_matches` of chosen (image, text) pairs alone: no block of all images with all texts is built.

    Raises:
        ValueError: the text graph has no edges.
    """
    edges, pairs = _edges_of(text)[text_columns], image_edges(image, parameters)[image_rows]
    nodes = image.nodes[image_rows]
    cosines = nodes @ text.nodes[text_columns].transpose(1, 2) / 2  # (C, R, W)
    on_things = cosines.gather(1, pairs.things[..., None].expand(-1, -1, cosines.shape[2]))
    subjects, objects = (
        on_things.gather(2, chosen[:, None].expand(-1, on_things.shape[1], -1))
        for chosen in (edges.first, edges.second)
    )  # (C, A, E)
    fit = torch.einsum("cabp,cep->cabe", pairs.phi, edges.predicate)
    matches = (fit + subjects[:, :, None] + objects[:, None]).flatten(1, 2).transpose(1, 2)
    real = pairs.mask.flatten(1)[:, None, :] & edges.mask[:, :, None]
    return matches.masked_fill(~real, NEVER)


def _edges_of(text: TextGraph) -> TextEdges:
    if text.relations is None:
        raise ValueError("got a text graph without edges, but expected one of a model with edge_words of 2 or more")
    return text.relations
