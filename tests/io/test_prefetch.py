from __future__ import annotations

import time

import pytest

from hgan.io.prefetch import one_ahead


def test_results_come_in_order_and_never_more_than_one_ahead():
    made = []

    def make(item: int) -> int:
        made.append(item)
        return item * 10

    for number, result in enumerate(one_ahead(make, range(6))):
        time.sleep(0.01)  # the maker could run away here
        assert result == number * 10
        assert len(made) <= number + 2
    assert made == list(range(6))


def test_an_error_comes_where_its_result_would_have_come():
    results = one_ahead(lambda x: 1 // x, [1, 0, 2])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_of_nothing_comes_nothing():
    assert list(one_ahead(str, [])) == []
