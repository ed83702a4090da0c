"""About: what model and gallery this is, what it can and cannot do, and how to cite it."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import torch

from ...retrieval.retriever import Retriever
from ...visualize import about
from ...visualize.notes import hint
from ..parts.context import BARE, Context, Shared

NO_CARD = "This checkpoint has no README.md, so there is no model card to show."


def build(context: Context, shared: Shared) -> None:
    """The page. Nothing on it changes while the app runs."""
    retriever = context.retriever
    name = retriever.model.name_or_path  # empty for a model without a checkpoint
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            card = about.model_card(Path(name)) if name else None
            if card is None:
                gr.HTML(hint(NO_CARD), js_on_load=None, **BARE)
            else:
                gr.Markdown(card, elem_id="card")
        with gr.Column(scale=2, min_width=320):
            gr.HTML(facts(retriever), js_on_load=None, **BARE)
            curve = about.curve(Path(name)) if name else None
            if curve is not None:
                gr.HTML(curve, js_on_load=None, **BARE)
            gr.Code(
                about.CITATION,
                label="Citation (BibTeX)",
                interactive=False,
                wrap_lines=True,
                show_line_numbers=False,
                buttons=["copy"],
            )


def facts(retriever: Retriever) -> str:
    """Both tables, of the gallery and of the model and the machine."""
    gallery, model = retriever.gallery, retriever.model
    config = model.config
    regions = f"up to {config.max_regions} objects and {config.context_grid**2} context cells"
    weights = sum(p.numel() for p in model.parameters())
    name = Path(model.name_or_path).name or "in memory"
    system = about.system_facts(name, weights, regions, _device(model.device), torch.get_num_threads())
    return about.gallery_facts(gallery.manifest, gallery.sha256) + system


def _device(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
