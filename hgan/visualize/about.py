"""What the about page says: the checkpoint's own card, facts of the gallery, versions, device, citation."""

from __future__ import annotations

import base64
import json
import platform
import re
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..version import __version__
from .charts import escape, table
from .curve import training_curve

PACKAGES = ("torch", "transformers", "gradio", "faiss-cpu", "networkx", "matplotlib", "pillow")
CITATION = """@article{guo2023hgan,
  author  = {Guo, Jie and Wang, Meiting and Zhou, Yan and Song, Bin and Chi, Yuhao and Fan, Wei and Chang, Jianglong},
  title   = {{HGAN}: Hierarchical Graph Alignment Network for Image-Text Retrieval},
  journal = {IEEE Transactions on Multimedia},
  volume  = {25},
  pages   = {9189--9202},
  year    = {2023},
  note    = {arXiv:2212.08281}
}
"""


def model_card(checkpoint: Path) -> str | None:
    """A checkpoint's README.md as Markdown without its front matter; None if it has none.

    Pictures in the card are replaced by their alternative texts: the page loads nothing from other sites.
    """
    path = checkpoint / "README.md"
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    return re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1", text).strip()


def curve(checkpoint: Path) -> str | None:
    """The training curve drawn from a checkpoint's metrics.jsonl, as HTML; None if there is none."""
    path = checkpoint / "metrics.jsonl"
    if not path.is_file():
        return None
    try:
        metrics = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "curve.png"
            training_curve(metrics, picture)
            data = base64.b64encode(picture.read_bytes()).decode()
    except (KeyError, TypeError, ValueError):  # another training's file
        return None
    last = metrics[-1]
    text = f"Loss and dev rsum over {len(metrics)} epochs; the last rsum is {last['rsum']:.1f}"
    return (
        f'<section class="hg"><figure><img class="hg-drawing" src="data:image/png;base64,{data}" alt="{escape(text)}">'
        f"<figcaption>{escape(text)}.</figcaption></figure></section>"
    )


def gallery_facts(manifest: dict[str, Any], digest: str) -> str:
    """Counts, model and size of a gallery, as a table.

    Args:
        manifest: of the gallery.
        digest: SHA-256 of its manifest.json, which holds the hashes of all its files.
    """
    mib = sum(entry["bytes"] for entry in manifest["files"].values()) / 2**20
    rows = [
        ("name", escape(manifest["name"])),
        ("pictures", f"{manifest['count']:,}"),
        ("captions", f"{manifest.get('captions', 0):,}"),
        ("regions", f"{manifest.get('regions', 0):,}"),
        ("files left out", f"{len(manifest.get('skipped', [])):,}"),
        ("size", f"{mib:,.1f} MiB in {len(manifest['files']):,} files"),
        (
            "built with model",
            f"{escape(manifest['model']['name'])} <code>{escape(manifest['model']['sha256'][:12])}</code>",
        ),
        ("SHA-256 of its manifest", f"<code>{escape(digest[:12])}</code>"),
    ]
    return f'<section class="hg hg-about">{table("Gallery", ("", ""), rows)}</section>'


def system_facts(name: str, weights: int, regions: str, device: str, threads: int) -> str:
    """Model, device and versions as a table.

    Args:
        name: of the checkpoint.
        weights: how many numbers the model has.
        regions: how pictures become regions, such as "up to 27 objects and 9 context cells".
        device: that the model is on.
        threads: CPU threads that torch uses.
    """
    rows = [
        ("model", escape(name)),
        ("weights", f"{weights:,}"),
        ("regions of a picture", escape(regions)),
        ("device", escape(device)),
        ("CPU threads", str(threads)),
        ("hgan", escape(__version__)),
        ("Python", platform.python_version()),
        *((package, escape(_version(package))) for package in PACKAGES),
    ]
    return f'<section class="hg hg-about">{table("Model and machine", ("", ""), rows)}</section>'


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # another build of it, such as faiss from conda
        return "not known"
