"""Captions: a `Claim` and a tag in, natural English out, with the words that name each thing.

The grammar says all of the claim and nothing beyond it. It composes: a way to give place, hour and weather, times an
order of naming, times the wording of each relation, times the noun phrases of `phrases`. A pattern that cannot say
the claim without ambiguity raises `UnsayableError`, and another is drawn.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from . import lexicon as lex
from .clauses import chain, clause, phrase
from .phrases import Discourse, Mention, UnsayableError, finish
from .setting import it_is, scenery, where
from .truth import Claim, Node

TAGS = ("context", "objects", "attributes", "relations", "full")
LONGEST = 36  # words; a longer wording is drawn again while there is hope for a shorter one


def write(claim: Claim, tag: str, rng: random.Random, longest: int = LONGEST) -> tuple[str, list[Mention]]:
    """One caption for the claim in the manner of `tag`, and its mentions (first word, past the last word, node).

    Raises `UnsayableError` where no pattern fits.
    """
    manner = {"context": _context, "objects": _list, "attributes": _attributes}.get(tag, _story)
    best: tuple[int, str, list[Mention]] | None = None
    for _ in range(60):
        d = Discourse(claim, rng)
        try:
            text, mentions = finish(manner(d))
        except UnsayableError:
            continue
        if {node for _, _, node in mentions} != set(range(len(claim.nodes))):
            continue
        flaws = max(0, len(text.split()) - longest) + 5 * _clumsy(text)
        if best is None or flaws < best[0]:
            best = flaws, text, mentions
        if not flaws:
            break
    if best is None:
        raise UnsayableError(f"no {tag} pattern says {claim}")
    return best[1:]


def _clumsy(text: str) -> int:
    """How often a joint is heard again within one sentence: "with a tower with a house", "and a bench and a dog"."""
    sentences = text.lower().replace(";", ".").split(".")
    return sum(
        max(0, sentence.count(f" {word} ") - most) for sentence in sentences for word, most in (("with", 1), ("and", 2))
    )


def _has_context(d: Discourse) -> bool:
    return any((d.claim.place, d.claim.time, d.claim.weather))


def _context(d: Discourse) -> str:
    """Place, hour and weather, and at most a few things to go with it."""
    c = d.claim
    if c.nodes:
        return _list(d)
    patterns: list[Callable[[], str]] = [
        lambda: it_is(d),
        lambda: scenery(d),
        lambda: f"this is {scenery(d)}",
        lambda: f"the picture shows {scenery(d)}",
        lambda: f"a scene {where(d)}",
        lambda: f"a picture taken {where(d)}",
        lambda: f"here {it_is(d)}",
        lambda: f"toys {where(d)}",
        lambda: f"we are {where(d)}",
        lambda: f"a small world {where(d)}",
        lambda: f"a small scene set {where(d)}",
        lambda: f"this was taken {where(d)}",
    ]
    if c.place and (c.time or c.weather):
        bare = Discourse(Claim(time=c.time, weather=c.weather), d.rng)
        at = d.rng.choice(lex.PLACES[c.place][0])
        patterns += [lambda: f"{at}, {it_is(bare)}", lambda: f"{at} {it_is(bare)}", lambda: f"{it_is(bare)} here {at}"]
    return d.pick(patterns)


def _order(d: Discourse) -> list[int]:
    nodes = list(range(len(d.nodes)))
    d.rng.shuffle(nodes)
    return nodes


def _list(d: Discourse) -> str:
    """All nodes in a row, in one of many frames."""
    nodes = _order(d)
    first, rest = nodes[0], nodes[1:]
    many = len(nodes) > 1 or d.plural(first)
    are = "are" if d.plural(first) or (len(nodes) > 1 and d.chance(0.3)) else "is"
    patterns: list[Callable[[], str]] = []
    if rest:
        patterns += [
            lambda: f"{d.np(first)} with {d.every(rest)}",
            lambda: f"{d.np(first)} as well as {d.every(rest)}",
            lambda: f"{d.np(first)}, and also {d.every(rest)}",
            lambda: f"{d.np(first)} together with {d.every(rest)}",
            lambda: f"here we have {d.np(first)} and, in the same picture, {d.every(rest)}",
            lambda: f"besides {d.np(first)}, there {d.be(rest[0])} {d.every(rest)}",
        ]
        if d.claim.place and not (d.claim.time or d.claim.weather):
            noun = d.rng.choice(lex.PLACES[d.claim.place][2])
            return d.pick([*_framed(d, nodes, are, many, patterns), *_sharing(d, nodes, noun)])
    return d.pick(_framed(d, nodes, are, many, patterns))


def _sharing(d: Discourse, nodes: list[int], noun: str) -> list[Callable[[], str]]:
    return [
        lambda: f"{d.np(nodes[0])} {d.form(('shares', 'share'), nodes[0])} {noun} with {d.every(nodes[1:])}",
        lambda: f"{noun} with {d.every(nodes)}",
    ]


def _framed(
    d: Discourse, nodes: list[int], are: str, many: bool, bare: list[Callable[[], str]]
) -> list[Callable[[], str]]:
    """Frames around "A, B and C", with the context of the claim in each where it has any."""
    frames: list[Callable[[], str]] = [
        lambda: d.every(nodes),
        lambda: f"there {are} {d.every(nodes)}",
        lambda: f"you can see {d.every(nodes)}",
        lambda: f"{d.every(nodes)} can be seen",
        lambda: f"we see {d.every(nodes)}",
        lambda: f"the picture shows {d.every(nodes)}",
        *bare,
    ]
    if not _has_context(d):
        return frames
    framed: list[Callable[[], str]] = [
        lambda: f"{d.pick(frames)} {where(d)}",
        lambda: f"{where(d)} there {are} {d.every(nodes)}",
        lambda: f"{where(d)}, you can see {d.every(nodes)}",
        lambda: f"{d.every(nodes)} {'are' if many else 'is'} {where(d)}",
        lambda: f"{where(d)}, {d.every(nodes)} can be seen",
        lambda: f"{scenery(d)} with {d.every(nodes)}",
        lambda: f"{it_is(d)}, and there {are} {d.every(nodes)}",
        lambda: f"{it_is(d)}, and you can see {d.every(nodes)}",
    ]
    return framed


def _attributes(d: Discourse) -> str:
    """Things by what they are like; "the car is red" where the claim makes it the only one of its kind."""
    sole = [i for i in range(len(d.nodes)) if d.nodes[i].n == 1 and Node(d.nodes[i].kind) in d.claim.exactly]
    if len(sole) < len(d.nodes):
        return _list(d)
    clauses = [_predicate(d, i) for i in _order(d)]
    text = clauses[0]
    joints = [", and ", " and ", ", while ", "; "]
    for k, part in enumerate(clauses[1:], start=1):
        text += (d.rng.choice(joints) if k == len(clauses) - 1 else ", ") + part
    return with_context(d, text, after=False) if _has_context(d) else text


def _predicate(d: Discourse, i: int) -> str:
    """ "the car is red and large", "the person wears a blue shirt and sits"."""
    node = d.nodes[i]
    looks = [f"is {lex.SIZE_WORDS[node.size][0]}"] if node.size else []
    looks += [f"is {node.colour}"] if node.colour else []
    if len(looks) == 2:
        d.rng.shuffle(looks)
        looks = [f"{looks[0]} and {looks[1].removeprefix('is ')}"]
    if node.pose:
        looks.append(
            {"arms up": d.rng.choice(("has both arms up", "has raised arms"))}.get(node.pose, f"is {node.pose}")
        )
    if node.clothes:
        looks.append(
            d.rng.choice(("wears a {} shirt", "is wearing a {} shirt", "is dressed in {}", "has a {} shirt on")).format(
                node.clothes
            )
        )
    if node.state:
        looks.append(d.rng.choice(lex.STATE_PREDICATES[node.state])[0])
    if not looks:
        raise UnsayableError("nothing to say of the thing but that it is there")
    if len(looks) > 1 and d.chance(0.5):
        looks.reverse()
    return f"{d.known(i)} {' and '.join(looks)}"


def with_context(d: Discourse, text: str, after: bool = True) -> str:
    """The context before the text or, where that reads well, `after` it."""
    patterns: list[Callable[[], str]] = [lambda: f"{where(d)}, {text}"]
    if after and "," not in text and ";" not in text:
        patterns.append(lambda: f"{text} {where(d)}")
    if d.claim.time or d.claim.weather:
        patterns += [
            lambda: f"{it_is(d)}, and {text}",
            lambda: f"{it_is(d)}. {text}",
            lambda: f"{it_is(d)}; {text}",
            lambda: f"{scenery(d)}: {text}",
        ]
    return d.pick(patterns)


def _story(d: Discourse) -> str:
    """Links as clauses, then what stands in no link, then what is absent; the context leads or follows."""
    links = list(d.claim.links)
    loose = [i for i in range(len(d.nodes)) if not any(i in (s, o) for s, _, o in links)]
    if not links:
        return _end(d, _list(d) if d.nodes else _context(d))
    if len(links) == 1 and d.chance(0.3):
        text = phrase(d, links[0])
        if loose and d.chance(0.6):
            text, loose = (
                f"{text}, with {d.every(loose)} {d.rng.choice(('in the same picture', 'in view', 'to be seen too'))}",
                [],
            )
        text = _nominal(d, text) if _has_context(d) else text
        return _end(d, _also(d, text, loose))
    parts = []
    while links:
        link = links.pop(0)
        partner = next((other for other in links if {link[0], link[2]} & {other[0], other[2]}), None)
        if partner and d.chance(0.65):
            links.remove(partner)
            parts.append(chain(d, link, partner))
        else:
            parts.append(clause(d, link))
    text = parts[0] + "".join(d.rng.choice((", and ", "; ", ". ", ", while ")) + part for part in parts[1:])
    if _has_context(d):
        text = with_context(d, text)
    return _end(d, _also(d, text, loose))


def _nominal(d: Discourse, text: str) -> str:
    """Context for a noun phrase: "a foggy evening on the beach with a dog beside a bench"."""
    return d.pick([lambda: f"{text} {where(d)}", lambda: f"{where(d)}, {text}", lambda: f"{scenery(d)} with {text}"])


def _also(d: Discourse, text: str, loose: list[int]) -> str:
    if not loose:
        return text
    are = d.be(loose[0])
    return d.pick(
        [
            lambda: f"{text}. There {are} also {d.every(loose)}",
            lambda: f"{text}, and there {are} {d.every(loose)} too",
            lambda: f"{text}; {d.every(loose)} can be seen as well",
            lambda: f"{text}. You can also see {d.every(loose)}",
            lambda: f"{text}, and {d.every(loose)} can also be seen",
        ]
    )


def _end(d: Discourse, text: str) -> str:
    """What is not there comes last."""
    none = d.none()
    if not none:
        return text
    return d.pick(
        [f"{text}, with no {none} in sight", f"{text}. There are no {none}", f"{text}, but there are no {none}"]
    )
