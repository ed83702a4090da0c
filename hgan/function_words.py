"""Content words and function words. A function word goes through the sentence encoder, but makes no node of its own: articles,
auxiliaries and the like name nothing in a picture, and what relation words say ("on", "left of") is said of two things, so the
edges say it (architecture.md, section 3).

The list is closed, and of English; every other word is a content word. Numbers are content words, also "one".
"""

from __future__ import annotations

from collections.abc import Sequence

_ARTICLES = "a an the this that these those some any each every both either neither such same other another own"
_PRONOUNS = (
    "i me my mine you your yours he him his she her hers it its we us our ours they them their theirs who whom whose which what "
    "there here where when how why himself herself itself themselves something someone somebody"
)
_AUXILIARIES = (
    "am is are was were be been being has have had having do does did doing done can could will would shall should may might "
    "must 's 're 've 'll n't isn't aren't wasn't weren't hasn't haven't doesn't don't didn't can't won't"
)
_JOINING = (
    "and or nor but so yet if then than as while because although though since until not no also too very just only well quite "
    "again already still even"
)
_RELATIONS = (
    "of in on at by to from with without for into onto upon over under underneath beneath below above behind before after "
    "beside besides near nearer nearest nearby next between among amongst amid through throughout across along alongside around "
    "round about against toward towards past beyond off out up down away during within opposite "
    "left right front side sides left-hand right-hand"
)
FUNCTION_WORDS = frozenset(f"{_ARTICLES} {_PRONOUNS} {_AUXILIARIES} {_JOINING} {_RELATIONS}".split())


def content_of(words: Sequence[str]) -> tuple[bool, ...]:
    """Which words make a node: the content words, or all of them where there is none."""
    found = tuple(word.lower().replace("’", "'") not in FUNCTION_WORDS for word in words)
    return found if any(found) else (True,) * len(words)
