"""Edge terms: pairs of words are aligned with pairs of things (architecture.md, section 5).

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

GEOMETRY_DIM = 16
PREDICATE_NORM = 0.5  # |u . phi| stays below it, so that |c| stays below 3/2
MIN_EDGE_TEMPERATURE = 0.03  # exp(1.5 / 0.03), times the number of pairs, still fits in float32
NEVER = -1e4  # the match of a pair that is none: finite, and nothing next to any other
BLOCK = 2**18  # matches that are worked on together where no gradient is wanted: they stay in the processor's cache
GPU_BLOCK = 2**27  # half a gigabyte each of a few copies


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


def pair_geometry(boxes: Float[Tensor, "batch things 4"]) -> Float[Tensor, "batch things things 16"]:
    """Geometry of thing b (third axis) seen from thing a (second axis).

    Features: offset of the centres in shares of the picture (2), the same in mean sizes of both, as signed logarithm (2),
    direction (2), log ratio of widths, heights and areas (3), which upper and which lower edge is further down (2), by how many
    mean heights, as signed logarithm (2), how much of a lies in b, how much of b lies in a, and their IoU (3).
    """
    centre_size = xyxy_to_cxcywh(boxes)
    centre, size = centre_size[..., :2], centre_size[..., 2:].clamp(min=1e-2)
    offset = centre[:, None] - centre[:, :, None]  # (B, a, b, 2)
    both = (size[:, None] + size[:, :, None]) / 2
    direction = offset / offset.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    ratio = size[:, None].log() - size[:, :, None].log()
    edges = boxes[:, None, :, 1::2] - boxes[:, :, None, 1::2]  # upper and lower
    inter = intersection(boxes[:, :, None], boxes[:, None])[..., None]
    own, other = area(boxes)[:, :, None, None].clamp(min=1e-6), area(boxes)[:, None, :, None].clamp(min=1e-6)
    union = (own + other - inter).clamp(min=1e-6)
    return torch.cat(
        [
            2 * offset, _signed_log(offset / both), direction, ratio, ratio.sum(-1, keepdim=True) / 2, (20 * edges).tanh(),
            _signed_log(edges / both[..., 1:]), inter / own, inter / other, inter / union,
        ],
        -1,
    )  # fmt: skip


def _signed_log(x: Tensor) -> Tensor:
    return x.sign() * x.abs().log1p()


def image_edges(image: ImageGraph, parameters: EdgeParameters) -> ImageEdges:
    """All ordered pairs of the best things of each picture: its objects with the highest detector scores."""
    most = min(parameters.things, image.mask.shape[1])
    real = image.mask & (image.kinds == OBJECT)
    # A stable sort: of equal scores the first counts, here as where graphs are packed (`packed_pairs`).
    order = image.scores.float().masked_fill(~real, -1.0).argsort(dim=1, descending=True, stable=True)
    things = order[:, :most]  # (B, A)
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

    Where no gradient is wanted, masked edges are passed over and the others worked on in blocks that stay in the processor's
    cache: their values are 0.

    Args:
        cosines: of all nodes.
    """
    cosines, unit = cosines.flatten(2), LN2 * temperature
    first, second = text_places(text, cosines.shape[2] // len(text))
    predicate = text.predicate.flatten(0, 1)
    if torch.is_grad_enabled():
        return _block_of_values(cosines, image, first, second, predicate, unit).unflatten(1, text.mask.shape)
    values = cosines.new_zeros(len(image), text.mask.numel())
    real = text.mask.flatten().nonzero()[:, 0]
    per_pair = max(1, image.mask[0].numel())
    together = BLOCK if cosines.device.type == "cpu" else GPU_BLOCK
    columns = max(1, min(len(real), together // per_pair))
    rows = max(1, together // (per_pair * columns))
    for some in real.split(columns):
        for top in range(0, len(image), rows):
            own = slice(top, top + rows)
            block = _block_of_values(cosines[own], image[own], first[some], second[some], predicate[some], unit)
            values[own, some] = block
    return values.unflatten(1, text.mask.shape)


def _block_of_values(
    cosines: Tensor, image: ImageEdges, first: Tensor, second: Tensor, predicate: Tensor, unit: Tensor
) -> Float[Tensor, "images edges"]:
    """`edge_values` of some edges at once."""
    # A pair that is none gets its match of NEVER out of the product, so that no pass over all matches is needed for it.
    phi = torch.cat([image.phi, NEVER * (~image.mask[..., None]).to(image.phi.dtype)], -1)
    subjects, objects = ends_on_things(cosines / unit, image, first, second)
    matches = phi.flatten(0, 2) @ F.pad(predicate / unit, (0, 1), value=1.0).T
    matches = matches.view(*phi.shape[:3], -1).add_(subjects[:, :, None]).add_(objects[:, None]).flatten(1, 2)
    weights = matches.exp2()  # (I, A * A, edges)
    return unit * (weights * matches).sum(1) / weights.sum(1).clamp(min=NOTHING)


def text_places(text: TextEdges, words: int) -> tuple[Int[Tensor, " edges"], Int[Tensor, " edges"]]:
    """The two ends of all edges of all sentences among all their words, the words of one sentence after those of the one
    before."""
    starts = torch.arange(0, len(text) * words, words, device=text.first.device)[:, None]
    return (starts + text.first).flatten(), (starts + text.second).flatten()


def ends_on_things(
    cosines: Float[Tensor, "images regions words"],
    image: ImageEdges,
    first: Int[Tensor, " edges"],
    second: Int[Tensor, " edges"],
) -> tuple[Float[Tensor, "images things edges"], Float[Tensor, "images things edges"]]:
    """Half the cosines of the first and of the second word of each edge with things."""
    on_things = cosines.gather(1, image.things[..., None].expand(-1, -1, cosines.shape[2])) / 2
    return on_things.index_select(2, first), on_things.index_select(2, second)


def edge_level(
    values: Float[Tensor, "images texts edges"], text: TextEdges, share: float
) -> tuple[Float[Tensor, "images texts"], Float[Tensor, " texts"]]:
    """What edges contribute to the local level, and how much of it nodes keep: local = kept * nodes + edges.

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
    cosines = image.nodes @ text.nodes.flatten(0, 1).T  # (I, R, T * W)
    subjects, objects = ends_on_things(cosines, pairs, *text_places(edges, text.nodes.shape[1]))
    matches = pairs.phi @ edges.predicate.flatten(0, 1).T + subjects[:, :, None] + objects[:, None]
    matches = matches.flatten(1, 2).unflatten(2, edges.mask.shape).permute(0, 2, 3, 1)
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
