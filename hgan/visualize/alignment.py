"""The alignment of words and regions as a table of coloured cells with their numbers."""

from __future__ import annotations

from ..retrieval.results import Explanation, NodeTerms
from .charts import SCROLLS, escape, number
from .pictures import numbered, region_key, strongest, word_key

ALIKE, UNLIKE = "#E69F00", "#CC79A7"  # alignment is what the local level is made of
DEEPEST = 0.58  # of the colour: the numbers stay readable on it, dark on light and light on dark
MATRIX_REGIONS = 12  # columns, strongest first


def alignment(explanation: Explanation) -> str:
    """Words in rows, the strongest regions in columns, the cosine of each pair in its cell.

    The deeper the colour, the further from 0: as the square, so that high ones stand out, of the share of the largest shown. The
    contribution of a pair is shown when the pointer rests on its cell, or when the cell is chosen.
    """
    e = explanation
    place, kept = numbered(e.regions), strongest(e.regions)[:MATRIX_REGIONS]
    largest = max((abs(row[node.index]) for row in e.alignment for node in kept), default=0.0) or 1.0
    names = {node.index: f"{place[node.index]} {node.label}" for node in kept}
    head = "".join(
        f'<th scope="col"><span data-key="{region_key(n)}">{escape(name, 40)}</span></th>' for n, name in names.items()
    )
    body = ""
    for word in e.words:
        cells = "".join(_cell(e, word, node, names[node.index], largest) for node in kept)
        body += f'<tr><th scope="row"><span data-key="{word_key(word.index)}">{escape(word.label, 24)}</span></th>{cells}</tr>'
    left = len(e.regions) - len(kept)
    more = f" Not shown: {left} regions that contribute less." if left else ""
    return (
        f'{SCROLLS}<table class="hg-matrix"><caption>Cosine similarity of each word and each region</caption>'
        f'<thead><tr><th scope="col">word</th>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        '<p class="hg-small">Orange: similar, darker means more. Purple with a minus: dissimilar. Strongest '
        f"regions first.{more}</p>"
    )


def _cell(e: Explanation, word: NodeTerms, region: NodeTerms, name: str, largest: float) -> str:
    value, term = e.alignment[word.index][region.index], e.local_terms[word.index][region.index]
    depth = round(255 * DEEPEST * (value / largest) ** 2)
    colour = f"{ALIKE if value >= 0 else UNLIKE}{depth:02x}"
    hint = escape(f"{word.label} with {name}: cosine {number(value)}, contributes {number(term, 4)} to the score")
    key = f"{word_key(word.index)} {region_key(region.index)}"
    return f'<td data-key="{key}" style="background-color:{colour}" title="{hint}">{number(value, 2)}</td>'
