"""A link for every state: pure functions between what a page shows and the query string that opens it again.

Parameters that several pages share: tab, q (the sentence), picture (id of a gallery picture that is the query), id (the chosen
match), k, w (level weights, "global,local,cross"). A page may add others of its own. gradio itself reads `page` and what starts
with `__`, so no parameter may be called that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from ...types import LEVELS

MAX_FIELDS = 50
MOST_WEIGHT = 1e6
OWN_GALLERY = "own"  # of the parameter `gallery`: a visitor's, which nobody else can open
_EXAMPLE = {"global": 0.3, "local": 0.4, "cross": 0.3}
RESERVED = ("page", "view", "deep_link")


def to_query(tab: str, weights: Mapping[str, float] | None = None, **parameters: object) -> str:
    """The query string of a state, such as "?tab=explain&q=a+dog&id=test-0001&w=0.3,0.4,0.3".

    Args:
        weights: level -> weight; None for the learned ones.
        parameters: None and "" are left out.

    Raises:
        ValueError: a name that gradio takes for its own.
    """
    taken = [name for name in parameters if name in RESERVED or name.startswith("__")]
    if taken:
        raise ValueError(f"got a parameter called {taken[0]!r}, but expected a name that gradio does not read itself")
    shown = {"tab": tab, **{name: str(value) for name, value in parameters.items() if value not in (None, "")}}
    if weights is not None:
        shown["w"] = ",".join(f"{weights[level]:.4g}" for level in LEVELS)
    return "?" + urlencode(shown, safe=",")


def from_query(link: str) -> dict[str, str]:
    """The parameters of a query string; of a name that comes twice, the last one."""
    return dict(parse_qsl(link.removeprefix("?"), max_num_fields=MAX_FIELDS))


def read_weights(text: str | None) -> dict[str, float] | None:
    """Level weights from a link, scaled so that none is above 1; None where it has none.

    Raises:
        ValueError: not three numbers of 0 or more, or all 0.
    """
    if not text:
        return None
    try:
        values = [float(part) for part in text.split(",", len(LEVELS))]
    except ValueError:
        values = []
    if len(values) != len(LEVELS) or not all(math.isfinite(v) and v >= 0 for v in values) or not sum(values):
        raise ValueError(
            f"got w={_short(text)} in the link, but expected three numbers of 0 or more, such as 0.3,0.4,0.3"
        )
    top = max(1.0, *values)
    return dict(zip(LEVELS, (value / top for value in values), strict=True))


def as_weights(value: object) -> dict[str, float] | None:
    """Level weights as programs send them: level -> weight; None for the learned ones.

    Raises:
        ValueError: anything else.
    """
    if value is None:
        return None
    if not isinstance(value, dict) or not all(
        isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) and 0 <= n <= MOST_WEIGHT
        for n in value.values()
    ):
        raise ValueError(f"got weights {_short(value)}, but expected them by level, each 0 or more, such as {_EXAMPLE}")
    return value


def read_count(text: str | None, default: int, most: int) -> int:
    """How many matches a link asks for.

    Raises:
        ValueError: not a whole number from 1 to `most`.
    """
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10) or not 1 <= int(text) <= most:
        raise ValueError(f"got k={_short(text)} in the link, but expected a whole number from 1 to {most}")
    return int(text)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:99] + "…"
