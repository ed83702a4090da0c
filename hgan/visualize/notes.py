"""Short texts that every page shows: what to do next, notices about an answer, how long it took."""

from __future__ import annotations

from .charts import escape


def hint(text: str) -> str:
    """What an empty part of the page says: what to do next."""
    return f'<p class="hg-hint">{escape(text)}</p>'


def notices(texts: list[str]) -> str:
    """What the visitor should know about an answer, one paragraph each."""
    return "".join(f'<p class="hg-notice">{escape(notice)}</p>' for notice in texts)


def cost(timing_ms: dict[str, float]) -> str:
    """What each step took."""
    return ", ".join(f"{name} {value:.0f} ms" for name, value in timing_ms.items())
