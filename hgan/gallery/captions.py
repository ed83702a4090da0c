"""Caption graphs of a gallery: as stored, or encoded from the captions at first use.

Stored caption graphs are larger than everything else of a gallery (7.5 kB a caption), so a lean gallery has none. They are
then encoded once (about 5 ms a caption on one core) and kept in the user's cache folder: HGAN_CACHE, or hgan in
XDG_CACHE_HOME, or ~/.cache/hgan. Both ways give the same half-precision numbers.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..encoding import Encoder
from ..settings import cache_folder, say_once
from ..types import TextGraph
from .packed import RaggedGraphs, flatten
from .store import Gallery

CHUNK = 256  # captions between two reports of progress

Progress = Callable[[int, int], None]


def caption_graphs(gallery: Gallery, encoder: Encoder, progress: Progress | None = None) -> RaggedGraphs:
    """Graphs of all captions, in the gallery's order.

    Args:
        progress: called with (captions done, captions in all) while they are encoded.

    Raises:
        ValueError: the gallery has no captions.
    """
    if not gallery.caption_keys:
        raise ValueError(
            f"gallery {gallery.name} has no captions, so it cannot be searched with a picture: build it from a "
            "dataset folder with captions, or search with a sentence"
        )
    if gallery.captions is not None:
        return gallery.captions
    texts = [gallery.caption_text(row) for row in range(len(gallery.caption_keys))]
    by = gallery.manifest["model"]["sha256"] + (" in bfloat16" if encoder.bfloat16 else "")
    key = hashlib.sha256("\0".join([by, *texts]).encode()).hexdigest()
    cache = cache_folder()
    if cache is None:
        return encode_captions(encoder, texts, progress)
    folder = cache / "captions" / key[:32]
    try:
        cached = RaggedGraphs.read(folder, TextGraph)
        if len(cached) == len(texts):
            return cached
    except (ValueError, OSError):
        pass  # not there, or not whole, or not for us to read
    graphs = encode_captions(encoder, texts, progress)
    _keep(graphs, folder)
    return graphs


def encode_captions(encoder: Encoder, texts: list[str], progress: Progress | None = None) -> RaggedGraphs:
    """Sentences as flat arrays, in the order given."""
    parts = []
    for start in range(0, len(texts), CHUNK):
        parts.append(flatten(encoder.texts(texts[start : start + CHUNK], batch_size=32)))
        if progress:
            progress(min(start + CHUNK, len(texts)), len(texts))
    return RaggedGraphs.join(parts, TextGraph)


def _keep(graphs: RaggedGraphs, folder: Path) -> None:
    """Writes a cache folder whole or not at all. A place that cannot be written to keeps nothing, which is said once."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as name:
            new = Path(name) / "new"
            graphs.write(new)
            shutil.rmtree(folder, ignore_errors=True)  # a damaged one
            new.rename(folder)
    except OSError as error:
        say_once(
            f"got the cache folder {str(folder.parent.parent)!a}, which cannot be written to ({error.strerror}), "
            "but expected one for encoded captions: until HGAN_CACHE names another, they are encoded again at each start"
        )
