"""Clauses about relations: one link, or two links that share a thing, in many orders and wordings.

Every function returns marked text (see `phrases`) with no capital and no full stop. The thing named first in the text
must be asked for first, so each pattern is a function that writes from left to right.
"""

from __future__ import annotations

from collections.abc import Callable

from . import lexicon as lex
from .catalog import FRONT_GRIP
from .phrases import Discourse, UnsayableError
from .truth import CATEGORIES, Link
from .world import INVERSE

DOING = {"riding": ("rides", "is riding"), "holding": ("holds", "is holding")}
FACING = (*CATEGORIES["animal"], "animal", "farm animal", "person", "snowman")
TURNABLE = (
    "left of",
    "right of",
    "in front of",
    "behind",
    "next to",
)  # "a table under a mug" is true, but nobody says it


def at(d: Discourse, predicate: str, o: int) -> str:
    """ "behind the car"; what one says for "on" depends on the object."""
    options = lex.ON.get(d.nodes[o].kind, ("on",)) if predicate == "on" else lex.PREPOSITIONS[predicate]
    return f"{d.rng.choice(options)} {d.np(o)}"


def about_it(d: Discourse, link: Link) -> str:
    """The object of the link as a pronoun: "behind it", for "a house with a tree behind it"."""
    _, p, o = link
    if p in ("left of", "right of") and d.nodes[o].kind in FACING:
        raise UnsayableError("'to its left' could mean the side of the animal or person, not of the picture")
    if p == "on" and d.nodes[o].kind in ("boat", "bus"):
        raise UnsayableError("what is in a boat is not 'on it'")
    pair = d.rng.choice(lex.ABOUT_IT[p])
    return pair[1] if d.nodes[o].kind == "person" else d.form(pair, o)


def turned(d: Discourse, link: Link) -> Link:
    """Now and then the same fact from the other side: "a car left of a tree" is "a tree right of a car"."""
    s, p, o = link
    return (o, INVERSE[p], s) if p in TURNABLE and d.chance(0.25) else link


def is_action(link: Link) -> bool:
    return link[1] in DOING


def clause(d: Discourse, link: Link) -> str:
    """One link as a main clause."""
    s, p, o = link = turned(d, link) if not d.said else link
    if is_action(link):
        return d.pick(_action_patterns(d, link))
    known = [i for i in (s, o) if i in d.said]
    patterns: list[Callable[[], str]] = [
        lambda: f"{d.np(s, True)} {d.verb(s)} {at(d, p, o)}",
        lambda: f"{d.np(s, True)} {d.verb(s)} {at(d, p, o)}",
        lambda: f"{d.np(s)} {d.be(s)} {at(d, p, o)}",
    ]
    if s not in d.said:
        patterns += [
            lambda: f"{at(d, p, o)} {d.verb(s, before=True)} {d.np(s)}",
            lambda: f"{d.there_is(s)} {d.np(s)} {at(d, p, o)}",
            lambda: f"{at(d, p, o)} {d.there_is(s)} {d.np(s)}",
            lambda: f"{d.np(o)} {d.form(('has', 'have'), o)} {d.np(s)} {about_it(d, link)}",
        ]
    if not known:
        patterns += [
            lambda: f"{d.np(s)} can be seen {at(d, p, o)}",
            lambda: f"{d.np(o, True)} {d.verb(o, full=True)} with {d.np(s)} {about_it(d, link)}",
            lambda: f"you can see {d.np(s)} {at(d, p, o)}",
        ]
    return d.pick(patterns)


def _action_patterns(d: Discourse, link: Link) -> list[Callable[[], str]]:
    s, p, o = link
    patterns: list[Callable[[], str]] = [lambda: f"{d.np(s)} {d.rng.choice(DOING[p])} {d.np(o)}"]
    if s not in d.said:
        patterns += [
            lambda: f"{d.np(s)} is seen {p} {d.np(o)}",
            lambda: f"there is {d.np(s)} {p} {d.np(o)}",
        ]
        if p == "riding" and d.nodes[o].kind in CATEGORIES["animal"]:
            patterns.append(lambda: f"{d.np(o)} carries {d.np(s)} on its back")
    if p == "holding":
        patterns.append(lambda: f"{d.np(s)} has {d.np(o)} {_in_hand(d, o)}")
    return patterns


def _in_hand(d: Discourse, o: int) -> str:
    return "in both hands" if d.nodes[o].kind in FRONT_GRIP else d.rng.choice(("in one hand", "in hand"))


def phrase(d: Discourse, link: Link) -> str:
    """One link as a noun phrase: "a dog next to a bench", "a person holding a kite"."""
    s, p, o = link = turned(d, link) if not d.said else link
    if is_action(link):
        return d.pick(
            [lambda: f"{d.np(s)} {p} {d.np(o)}"]
            + [lambda: f"{d.np(s)} with {d.np(o)} {_in_hand(d, o)}"] * (p == "holding")
        )
    return d.pick(
        [
            lambda: f"{d.np(s)} {at(d, p, o)}",
            lambda: f"{d.np(o)} with {d.np(s)} {about_it(d, link)}",
        ]
    )


def _both_about_it(d: Discourse, first: Link, second: Link) -> str:
    return f"{d.np(first[0])} {about_it(d, first)} and {d.np(second[0])} {about_it(d, second)}"


def _standing(d: Discourse, i: int) -> str:
    return f"{d.verb(i, full=True, before=True)} {d.np(i)}"


def two(d: Discourse, first: Link, second: Link) -> str:
    """Two links in one main clause where they share a thing; raises `UnsayableError` where they do not."""
    (s1, p1, o1), (s2, p2, o2) = first, second
    if is_action(second) and not is_action(first):
        return two(d, second, first)
    if s1 == s2 and is_action(first):
        if is_action(second):
            return f"{d.np(s1)} {p1} {d.np(o1)} {d.rng.choice(DOING[p2])} {d.np(o2)}"
        return d.pick(
            [
                lambda: f"{d.np(s1)} {d.rng.choice(DOING[p1])} {d.np(o1)} {at(d, p2, o2)}",
                lambda: f"{d.np(s1)} {p1} {d.np(o1)} {d.be(s1)} {at(d, p2, o2)}",
                lambda: f"{at(d, p2, o2)} {d.np(s1)} {d.rng.choice(DOING[p1])} {d.np(o1)}",
                lambda: f"{d.np(s1)} {d.be(s1)} {at(d, p2, o2)}, {p1} {d.np(o1)}",
            ]
        )
    if s1 == s2:
        if p1 == p2:
            return d.pick(
                [
                    lambda: f"{d.np(s1, True)} {d.verb(s1)} {at(d, p1, o1)} and {d.np(o2)}",
                    lambda: f"{at(d, p1, o1)} and {d.np(o2)} {d.verb(s1, before=True)} {d.np(s1)}",
                    lambda: f"{d.there_is(s1)} {d.np(s1)} {at(d, p1, o1)} and {d.np(o2)}",
                ]
            )
        return d.pick(
            [
                lambda: f"{d.np(s1, True)} {d.verb(s1)} {at(d, p1, o1)} and {at(d, p2, o2)}",
                lambda: f"{at(d, p1, o1)} and {at(d, p2, o2)} {d.verb(s1, before=True)} {d.np(s1)}",
                lambda: f"{d.there_is(s1)} {d.np(s1)} {at(d, p1, o1)} and {at(d, p2, o2)}",
            ]
        )
    if o1 == o2 and not is_action(first) and not is_action(second):
        if p1 == p2:
            return d.pick(
                [
                    lambda: f"{d.every([s1, s2])} are {at(d, p1, o1)}",
                    lambda: f"{at(d, p1, o1)} there are {d.every([s1, s2])}",
                    lambda: f"{d.np(o1)} {d.form(('has', 'have'), o1)} {d.every([s1, s2])} {about_it(d, first)}",
                ]
            )
        return d.pick(
            [
                lambda: f"{d.np(o1)} {d.form(('has', 'have'), o1)} {_both_about_it(d, first, second)}",
                lambda: f"{d.np(s1, True)} {d.verb(s1)} {at(d, p1, o1)}, and {d.np(s2)} {d.be(s2)} {at(d, p2, o2)}",
                lambda: f"{d.np(o1, True)} {d.verb(o1, full=True)} with {_both_about_it(d, first, second)}",
            ]
        )
    if o1 == s2:
        which = d.rng.choice((", which {}", " that {}")) if d.nodes[o1].kind != "person" else ", who {}"
        if is_action(first):
            tail = [lambda: f"{d.np(s1)} {d.rng.choice(DOING[p1])} {d.np(o1)}{which.format(d.be(o1))} {at(d, p2, o2)}"]
        elif is_action(second):
            tail = [lambda: f"{d.np(s1, True)} {d.verb(s1)} {at(d, p1, o1)} {p2} {d.np(o2)}"]
        else:
            tail = [
                lambda: f"{d.np(s1, True)} {d.verb(s1)} {at(d, p1, o1)}{which.format(d.verb(o1))} {at(d, p2, o2)}",
                lambda: f"{d.there_is(s1)} {d.np(s1)} {at(d, p1, o1)}{which.format(d.verb(o1))} {at(d, p2, o2)}",
                lambda: f"{at(d, p2, o2)} {_standing(d, o1)} with {d.np(s1)} {about_it(d, first)}",
            ]
        return d.pick(tail)
    raise UnsayableError("the two links share nothing")


def chain(d: Discourse, first: Link, second: Link) -> str:
    """`two`, after turning one of the links around where that lets them meet."""
    options = [first], [second]
    for k, link in enumerate((first, second)):
        s, p, o = link
        if p in TURNABLE:
            options[k].append((o, INVERSE[p], s))
    pairs = [(a, b) for a in options[0] for b in options[1] if a[0] == b[0] or a[2] == b[2] or a[2] == b[0]]
    pairs += [(b, a) for a, b in pairs]
    if not pairs:
        raise UnsayableError("the two links share nothing")
    return two(d, *d.rng.choice(pairs))
