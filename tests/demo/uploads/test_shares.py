"""Shares: whose uploads, galleries and sessions give way when all is full."""

from __future__ import annotations

import pytest

from hgan.demo.uploads.shares import Shares, Visitor


def test_ones_own_oldest_goes_first() -> None:
    shares = Shares(total=10, address=4, session=2)
    a, b, other = Visitor("1", "a"), Visitor("1", "b"), Visitor("2", "c")
    assert [shares.add(n, a) for n in range(3)] == [[], [], [0]]
    assert shares.add(3, b) == shares.add(4, b) == shares.add(5, other) == []
    assert shares.add(6, Visitor("1", "d")) == [1]  # of the address
    shares.touch(2)
    assert shares.add(7, Visitor("1", "e")) == [3]
    assert 5 in shares


def test_when_all_is_full_the_address_with_most_gives_up() -> None:
    shares = Shares(total=6, address=5)
    for n in range(4):
        shares.add(f"many{n}", Visitor("1", str(n)))
    shares.add("one", Visitor("2", "x"))
    shares.add("two", Visitor("3", "y"))
    assert shares.add("new", Visitor("4", "z")) == ["many0"]
    assert {"one", "two", "new"} <= set(shares.keys())


def test_what_is_busy_stays_and_too_much_changes_nothing() -> None:
    shares = Shares(total=100, address=50)
    shares.add("a", Visitor("1"), 30)
    shares.busy("a", True)
    for size in (21, 51, 1_000):
        with pytest.raises(ValueError, match="than there is room for"):
            shares.add("b", Visitor("1"), size)
        assert shares.keys() == ["a"]
    shares.busy("a", False)
    assert shares.add("b", Visitor("1"), 40) == ["a"]
