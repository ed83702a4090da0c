"""Links: what a page shows comes back from its own link, and damaged links are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgan.demo.parts.links import as_weights, from_query, read_count, read_weights, to_query

WEIGHTS = {"global": 0.3, "local": 0.4, "cross": 0.3}


def test_link_reads_as_expected() -> None:
    link = to_query("explain", WEIGHTS, q="a dog & a cat", id="test-0001#2", picture=None, note="")
    assert link == "?tab=explain&q=a+dog+%26+a+cat&id=test-0001%232&w=0.3,0.4,0.3"


@given(
    st.dictionaries(st.sampled_from(["q", "id", "a", "b", "case"]), st.text(min_size=1)),
    st.sampled_from(["search", "what-if"]),
)
def test_parameters_come_back_from_a_link(parameters: dict[str, str], tab: str) -> None:
    assert from_query(to_query(tab, None, **parameters)) == {"tab": tab, **parameters}


def test_weights_come_back_from_a_link() -> None:
    assert read_weights(from_query(to_query("search", WEIGHTS))["w"]) == WEIGHTS
    assert read_weights(from_query(to_query("search")).get("w")) is None
    assert read_weights("2,4,1") == {"global": 0.5, "local": 1.0, "cross": 0.25}  # sliders end at 1


@pytest.mark.parametrize("text", ["1,2", "1,2,3,4", "a,b,c", "-1,1,1", "0,0,0", "nan,1,1", "inf,1,1", ","])
def test_damaged_weights_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected three numbers"):
        read_weights(text)


@pytest.mark.parametrize("text", ["0", "51", "-3", "ten", "1.5", "²"])
def test_damaged_counts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="whole number from 1 to 50"):
        read_count(text, 10, 50)


def test_count_has_a_default() -> None:
    assert read_count(None, 10, 50) == 10
    assert read_count("50", 10, 50) == 50


@pytest.mark.parametrize("name", ["page", "view", "__theme"])
def test_names_that_gradio_reads_itself_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="gradio"):
        to_query("search", None, **{name: "x"})


@pytest.mark.parametrize("value", [[1, 2, 3], "0.3", {"global": "0.3"}, {"global": None}])
def test_weights_of_programs_are_by_level(value: object) -> None:
    assert as_weights(WEIGHTS) == WEIGHTS
    with pytest.raises(ValueError, match="expected them by level"):
        as_weights(value)
