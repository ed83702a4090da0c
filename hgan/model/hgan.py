"""HGANModel: composition only. Pixels or region features, and words -> two graphs -> MFAR -> three levels."""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedConfig

from ..config import HGANConfig, require_settings
from ..types import OBJECT, ImageGraph, Regions, Similarity, TextGraph, Words
from .backbone import Backbone
from .checked import require_pixels
from .contrastive import GlobalFeatures, contrastive_loss
from .edges import MIN_EDGE_TEMPERATURE, EdgeParameters, GeometryMap
from .graph import REGION_EDGE_DIM, WORD_EDGE_DIM, GraphLayer, SoftCount, region_edges, word_edges
from .mfar import MFAR
from .nodes import NodeProjection, content_nodes, node_weights, things_of
from .output import HGANOutput
from .predicates import Predicates
from .pretrained import HGANPreTrainedModel
from .proposals import ProposalHead, Proposals
from .regions import RegionEncoder
from .selection import Selection
from .similarity import MIN_TEMPERATURE, SimilarityParameters, similarity

__all__ = ["HGANModel", "HGANOutput"]


class HGANModel(GlobalFeatures, HGANPreTrainedModel):
    r"""Hierarchical Graph Alignment Network (Guo et al., IEEE TMM 2023), as docs/architecture.md reads it.

    Either tower can be called alone: `encode_image` (pixels, or precomputed `Regions`) and `encode_text`;
    `similarity` compares what they
    return.
    """

    def __init__(self, config: HGANConfig) -> None:
        require_settings(config)
        super().__init__(config)
        self.regions: RegionEncoder | None = None
        region_dim = config.precomputed_dim
        if config.backbone_config is not None:
            region_dim = config.region_dim
            assert isinstance(config.backbone_config, PreTrainedConfig)
            self.regions = RegionEncoder(
                Backbone(config.backbone_config, tuple(config.backbone_taps)),
                channels=tuple(config.backbone_channels),
                pyramid_dim=config.pyramid_dim,
                region_dim=region_dim,
                head=ProposalHead(config.pyramid_dim, len(config.labels), config.head_kernel, config.side_tower),
                selection=Selection(
                    config.max_regions,
                    config.score_threshold,
                    config.nms_threshold,
                    config.nms_between_labels,
                    config.label_threshold,
                ),
                roi_size=config.roi_size,
                grid=config.context_grid,
            )
        self.region_dim = region_dim
        assert isinstance(config.text_config, PreTrainedConfig)
        self.text_encoder = AutoModel.from_config(config.text_config, add_pooling_layer=False)
        self.image_nodes = NodeProjection(region_dim, config.dim)
        self.text_nodes = NodeProjection(config.text_config.hidden_size, config.dim)
        self.box_embedding = nn.Linear(4, config.dim)
        self.kind_embedding = nn.Embedding(2, config.dim)
        self.image_graph, self.text_graph = (
            nn.ModuleList(
                GraphLayer(config.dim, config.heads, width * config.edge_bias, config.dropout, config.edge_values)
                for _ in range(config.graph_layers)
            )
            for width in (REGION_EDGE_DIM, WORD_EDGE_DIM)
        )
        self.region_weight = nn.Linear(config.dim, 1)
        self.word_weight = nn.Linear(config.dim, 1)
        self.soft_count = SoftCount(config.dim) if config.counts else None
        self.cross_word_weight = nn.Linear(config.dim, 1) if config.levels_apart else None
        self.predicates: Predicates | None = None
        self.geometry: GeometryMap | None = None
        if config.edge_words:
            self.predicates = Predicates(config.dim, config.text_config.hidden_size, config.edge_words, config.edge_dim)
            self.geometry = GeometryMap(config.edge_dim)
            self.log_edge_temperature = nn.Parameter(torch.tensor(float(config.temperature_init)).log())
        self.mfar = MFAR(config.dim, config.concepts, config.groups, config.rearrange)
        self.log_temperature = nn.Parameter(torch.tensor(float(config.temperature_init)).log())
        self.level_logits = nn.Parameter(torch.zeros(3))
        self.logit_scale = nn.Parameter(torch.tensor(float(config.logit_scale_init)))
        self.post_init()
        if self.regions is not None:
            self.regions.head.expect_few()  # post_init has set every bias to zero
        if self.predicates is not None and self.geometry is not None:
            self.predicates.begin()
            self.geometry.begin()

    @property
    def similarity_parameters(self) -> SimilarityParameters:
        """The learned scalars of the similarity."""
        edges = None
        if self.geometry is not None:
            temperature = self.log_edge_temperature.float().exp().clamp(min=MIN_EDGE_TEMPERATURE)
            edges = EdgeParameters(temperature, self.config.edge_share, self.config.edge_things, self.geometry)
        return SimilarityParameters(
            self.log_temperature.float().exp().clamp(min=MIN_TEMPERATURE),
            self.level_logits.float().softmax(0),
            edges,
            self.config.levels_apart,
        )

    def encode_regions(self, pixel_values: Float[Tensor, "batch 3 height width"]) -> tuple[Regions, Proposals]:
        """Regions of pictures: the features that `encode_image` also takes precomputed.

        Raises:
            ValueError: if the model was built for precomputed features, or `pixel_values` is not (B, 3, H, W).
        """
        if self.regions is None:
            raise ValueError(
                f"got pixel_values, but this model has no region encoder: it expects regions with features of width "
                f"{self.region_dim}"
            )
        require_pixels(pixel_values, None if self.training else self.config.image_size)
        return self.regions(pixel_values.to(memory_format=torch.channels_last))

    def encode_image(
        self, pixel_values: Float[Tensor, "batch 3 height width"] | None = None, regions: Regions | None = None
    ) -> ImageGraph:
        """The picture tower.

        Args:
            pixel_values: normalised pixels from the processor.
            regions: precomputed regions, in place of pixels.

        Raises:
            ValueError: if neither or both are given, or the feature width is another than the model's.
        """
        if (pixel_values is None) == (regions is None):
            raise ValueError(
                "expected either pixel_values or regions, got " + ("neither" if regions is None else "both")
            )
        if pixel_values is not None:
            regions, _ = self.encode_regions(pixel_values)
        assert regions is not None
        return self.graph_of_regions(regions)

    def graph_of_regions(
        self, regions: Regions, edge_mask: Bool[Tensor, "batch nodes nodes"] | None = None
    ) -> ImageGraph:
        """Feature graph and MFAR of regions; `edge_mask` as in `GraphLayer` (node 0 is the global node)."""
        if regions.features.shape[-1] != self.region_dim:
            raise ValueError(
                f"got region features of width {regions.features.shape[-1]}, but this model expects {self.region_dim}"
            )
        place = self.box_embedding(regions.boxes.to(regions.features.dtype)) + self.kind_embedding(regions.kinds)
        if self.soft_count is not None:
            things = regions.mask & (regions.kinds == OBJECT)
            place = place + self.soft_count(regions.features, regions.boxes, things)
        nodes = self.image_nodes(regions.features, regions.image_feature, place)
        mask = nn.functional.pad(regions.mask, (1, 0), value=True)
        biases = region_edges(regions.boxes).to(nodes.dtype)
        edges = mask.new_zeros(*mask.shape, mask.shape[1], dtype=torch.float)
        for layer in self.image_graph:
            nodes, edges = layer(nodes, biases, mask, edge_mask)
        read = things_of(regions.kinds, regions.mask) if self.config.levels_apart else regions.mask
        weights = node_weights(self.region_weight(nodes[:, 1:]), read)
        whole, local, concepts = self.mfar(nodes, mask)
        return ImageGraph(
            whole,
            local,
            regions.mask,
            weights,
            edges,
            concepts,
            regions.boxes,
            regions.kinds,
            regions.labels,
            regions.scores,
        )

    def encode_words(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        attention_mask: Int[Tensor, "batch tokens"],
        word_index: Int[Tensor, "batch tokens"],
        content_mask: Int[Tensor, "batch tokens"] | None = None,
    ) -> Words:
        """Word pieces through the text encoder, merged to words by their mean; the sentence is the mean of its pieces.

        Args:
            input_ids: token ids with special tokens.
            attention_mask: 1 = a real token.
            word_index: which word a token belongs to, -1 for special tokens and punctuation.
            content_mask: 1 = a token of a word that makes a node; of every word by default.
        """
        states = self.text_encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state  # (B, T, H)
        words = max(1, int(word_index.max()) + 1)
        member = nn.functional.one_hot(word_index + 1, words + 1)[..., 1:].to(states.dtype)  # (B, T, W)
        count = member.sum(1)  # (B, W)
        features = member.transpose(1, 2) @ states / count.clamp(min=1)[..., None]
        real = attention_mask[..., None].to(states.dtype)
        sentence = (states * real).sum(1) / real.sum(1).clamp(min=1)
        content = None
        if content_mask is not None:
            content = (member * content_mask[..., None]).sum(1) > 0
        return Words(features, count > 0, sentence, content)

    def encode_text(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        attention_mask: Int[Tensor, "batch tokens"],
        word_index: Int[Tensor, "batch tokens"],
        content_mask: Int[Tensor, "batch tokens"] | None = None,
    ) -> TextGraph:
        """The sentence tower; arguments as in `encode_words`."""
        return self.graph_of_words(self.encode_words(input_ids, attention_mask, word_index, content_mask))

    def graph_of_words(
        self,
        words: Words,
        edge_mask: Bool[Tensor, "batch nodes nodes"] | None = None,
        relations_off: Bool[Tensor, "batch words words"] | None = None,
    ) -> TextGraph:
        """Feature graph and MFAR of words.

        Args:
            edge_mask: as in `GraphLayer`, for the global node and then all words, those included that make no node.
            relations_off: pairs of words whose edge term is switched off.
        """
        places = torch.arange(words.mask.shape[1], device=words.mask.device).expand_as(words.mask)
        local, real = words.features, words.mask
        if words.content is not None:
            places, real = content_nodes(words)
            local = local.gather(1, places[..., None].expand(-1, -1, local.shape[2]))
            if edge_mask is not None:
                kept = nn.functional.pad(places + 1, (1, 0))
                edge_mask = edge_mask.gather(1, kept[..., None].expand(-1, -1, edge_mask.shape[2]))
                edge_mask = edge_mask.gather(2, kept[:, None].expand(-1, kept.shape[1], -1))
        nodes = self.text_nodes(local, words.sentence_feature)
        mask = nn.functional.pad(real, (1, 0), value=True)
        biases = word_edges(places).to(nodes.dtype)
        edges = mask.new_zeros(*mask.shape, mask.shape[1], dtype=torch.float)
        for layer in self.text_graph:
            nodes, edges = layer(nodes, biases, mask, edge_mask)
        weights = node_weights(self.word_weight(nodes[:, 1:]), real)
        whole, shared, concepts = self.mfar(nodes, mask)
        graph = TextGraph(whole, shared, real, weights, edges, concepts)
        if words.content is not None:
            graph = replace(graph, words=places)
        if self.cross_word_weight is not None:
            graph = replace(graph, cross_weights=node_weights(self.cross_word_weight(nodes[:, 1:]), real))
        if self.predicates is not None:
            graph = replace(graph, relations=self.predicates(nodes, real, weights, places, words, relations_off))
        return graph

    def similarity(self, image: ImageGraph, text: TextGraph) -> Similarity:
        """Score and levels of every image (row) with every text (column)."""
        with torch.autocast(image.nodes.device.type, enabled=False):
            return similarity(image, text, self.similarity_parameters)

    def forward(
        self,
        pixel_values: Float[Tensor, "batch 3 height width"] | None = None,
        input_ids: Int[Tensor, "texts tokens"] | None = None,
        attention_mask: Int[Tensor, "texts tokens"] | None = None,
        word_index: Int[Tensor, "texts tokens"] | None = None,
        regions: Regions | None = None,
        content_mask: Int[Tensor, "texts tokens"] | None = None,
        return_loss: bool | None = None,
    ) -> HGANOutput:
        """Whatever is given is encoded; with both modalities, they are compared.

        Args:
            return_loss: add `contrastive_loss`, as CLIP does; text n is then that of picture n.

        Raises:
            ValueError: input_ids without what belongs to them; a loss without one text a picture.
        """
        proposals = image_graph = text_graph = result = None
        if pixel_values is not None and regions is None:
            regions, proposals = self.encode_regions(pixel_values)
        if regions is not None:
            image_graph = self.encode_image(regions=regions)
        if input_ids is not None:
            if attention_mask is None or word_index is None:
                raise ValueError("got input_ids alone, but expected attention_mask and word_index with them")
            text_graph = self.encode_text(input_ids, attention_mask, word_index, content_mask)
        logits = None
        if image_graph is not None and text_graph is not None:
            result = self.similarity(image_graph, text_graph)
            logits = result.score * self.logit_scale.float().exp().clamp(max=100)
        loss = contrastive_loss(logits) if return_loss else None
        turned = None if logits is None else logits.T
        return HGANOutput(loss, logits, turned, result, image_graph, text_graph, proposals)
