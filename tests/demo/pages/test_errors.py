"""Error analysis: a gallery is analysed once, whoever asks."""

from __future__ import annotations

import pytest

from hgan.demo.pages.errors import Handlers as ErrorHandlers
from hgan.retrieval.error_filter import ANY
from hgan.retrieval.retriever import Retriever


def test_gallery_is_analysed_once(retriever: Retriever, monkeypatch: pytest.MonkeyPatch) -> None:
    from hgan.demo.parts.context import Context

    calls: list[object] = []
    analyse = retriever.analyse
    monkeypatch.setattr(retriever, "analyse", lambda *given: calls.append(given) or analyse(*given))
    handlers = ErrorHandlers(Context(retriever))
    assert "Press Analyse" in handlers.show(None, ANY, ANY, ANY, True, 1)[0]
    for _ in range(2):
        page = handlers.analyse(None, ANY, ANY, ANY, True)
    assert len(calls) == 1
    assert "How often the truth comes first" in page[0]
