"""What visitors do on the pages, from the first search to a link that a friend opens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from hgan.retrieval.retriever import Retriever
from tests.browser.driving import Visit

SENTENCE = "a red circle on the left of a blue square"
CROSS_ALONE = {"global": 0.0, "local": 0.0, "cross": 1.0}


def test_sliders_rank_anew_and_the_link_opens_the_same(visit: Callable[..., Visit], retriever: Retriever) -> None:
    visitor = visit().open()
    visitor.search(SENTENCE)
    learned = [hit.id for hit in retriever.search(text=SENTENCE, k=10).hits]
    assert visitor.ids() == learned
    page = visitor.page
    visitor.weigh(**CROSS_ALONE)
    expect(page.locator("#matches")).to_contain_text("global 0.00, local 0.00, cross 1.00")
    ranked = [hit.id for hit in retriever.search(text=SENTENCE, k=10, weights=CROSS_ALONE).hits]
    assert visitor.ids() == ranked
    assert page.locator(".hg-move").count() == sum(id_ != old for id_, old in zip(ranked, learned, strict=True))
    page.wait_for_function("location.search.includes('w=0,0,1')")
    visitor.explain(1)
    page.wait_for_function("location.search.includes('tab=explain')")

    friend = visit()
    friend.page.goto(page.url)
    explanation = friend.explained(ranked[1])
    expect(explanation.locator("tfoot").first).to_contain_text(
        f"{retriever.search(text=SENTENCE, k=2, weights=CROSS_ALONE).hits[1].score:.3f}"
    )
    friend.go("search")
    assert friend.ids() == ranked
    friend.page.get_by_text("Adjust level weights").click()
    friend.page.get_by_role("button", name="Reset to the learned weights").click()
    expect(friend.page.locator("#matches")).not_to_contain_text("Your level weights")
    assert friend.ids() == learned


def test_a_case_is_saved_and_opened_again(visit: Callable[..., Visit], tmp_path: Path) -> None:
    visitor = visit().open()
    visitor.search(SENTENCE)
    ids = visitor.ids()
    path = visitor.download("Save as JSON", tmp_path)
    case = json.loads(path.read_text())
    assert [hit["id"] for hit in case["data"]["hits"]] == ids
    case["gallery"]["sha256"] = "0" * 64
    path.write_text(json.dumps(case))

    other = visit().open()
    other.page.locator("input[type=file][accept='.json']").set_input_files(path)
    expect(other.page.locator("#matches h2")).to_contain_text(SENTENCE)
    assert other.ids() == ids
    expect(other.page.get_by_text("made with another gallery").first).to_be_visible()


def test_a_picture_is_searched_by_an_example(visit: Callable[..., Visit], retriever: Retriever) -> None:
    visitor = visit().open()
    visitor.page.get_by_role("tab", name="By picture").click()
    visitor.page.locator(".gallery-item").locator("visible=true").first.click()
    expect(visitor.page.locator("#matches .hg-caption").first).to_be_visible()
    first = retriever.gallery.items[0].id
    visitor.page.wait_for_function(f"location.search.includes('picture={first}')")
    explanation = visitor.explain(0)
    expect(explanation.locator("h2")).to_contain_text("Why")


def test_two_matches_are_compared_and_a_part_is_switched_off(visit: Callable[..., Visit], retriever: Retriever) -> None:
    visitor = visit().open()
    visitor.search(SENTENCE)
    hits = retriever.search(text=SENTENCE, k=2).hits
    visitor.go("compare")
    page = visitor.page
    expect(page.locator("#compared .hg-sum-line")).to_contain_text(f"{hits[0].score:.4f} − {hits[1].score:.4f}")
    page.wait_for_function("location.search.includes('tab=compare')")
    assert (visitor.address["a"], visitor.address["b"]) == (hits[0].id, hits[1].id)

    visitor.go("what-if")
    box = page.locator("fieldset", has_text="Its words").get_by_role("checkbox")
    box.nth(1).check()
    page.get_by_role("button", name="Drop ticked words").click()
    shorter = SENTENCE.replace("red ", "")
    expect(page.get_by_label("Sentence").locator("visible=true")).to_have_value(shorter)
    page.get_by_role("button", name="Run with this sentence").click()
    after = retriever.what_if(hits[0].id, query=retriever.encode(text=SENTENCE), text=shorter).after.score
    expect(page.locator("#changed h2")).to_contain_text(f"{after:.4f}")
    page.wait_for_function("location.search.includes('text=')")

    friend = visit()
    friend.page.goto(page.url)
    expect(friend.page.locator("#changed h2")).to_contain_text(f"{after:.4f}")


def test_a_failure_is_opened_in_search(visit: Callable[..., Visit], tmp_path: Path) -> None:
    visitor = visit().open(tab="errors", direction="text_to_image")
    page = visitor.page
    page.get_by_role("button", name="Analyse").click()
    first = page.locator("#failures tbody a").first
    expect(first).to_be_visible()
    sentence, truth = first.inner_text(), page.locator("#failures tbody tr").first.locator("td").nth(0).inner_text()
    table = visitor.download("Save these rows as CSV", tmp_path).read_text(encoding="utf-8-sig")
    assert sentence in table
    rank = int(page.locator("#failures tbody tr").first.locator("td").nth(1).inner_text())
    first.click()
    expect(page.locator("#matches h2")).to_contain_text(sentence)
    ids = visitor.ids()
    assert truth.strip() not in ids[: min(rank - 1, len(ids))]


def test_the_class_votes_then_sees_the_answer_and_nothing_is_sent(visit: Callable[..., Visit]) -> None:
    visitor = visit().open().go("classroom")
    page = visitor.page
    case = page.locator("#case .hg-case")
    expect(case).to_be_visible()
    asked = len(visitor.requests)
    expect(case.locator(".hg-outcome").first).to_be_hidden()
    truth = case.locator(".hg-card[data-true=yes] .hg-vote")
    truth.click()
    truth.click()
    case.locator(".hg-card[data-true=no] input").first.fill("1")
    page.get_by_role("button", name="Reveal").click()
    expect(case.locator(".hg-class")).to_contain_text("3 votes")
    expect(case.locator(".hg-class")).to_contain_text("2 of 3 for the true picture")
    expect(case.locator(".hg-outcome").first).to_be_visible()
    assert [url for url in visitor.requests[asked:] if not url.startswith("data:")] == []
    first = str(case.get_attribute("data-id"))
    page.get_by_role("button", name="Next").click()
    expect(case).not_to_have_attribute("data-id", first)
    expect(case.locator(".hg-answer")).to_be_hidden()
    second = str(case.get_attribute("data-id"))
    page.wait_for_function(f"location.search.includes('case={second}')")
    friend = visit()
    friend.page.goto(page.url)
    expect(friend.page.locator("#case .hg-case")).to_have_attribute("data-id", second)


def test_about_says_what_this_is(visit: Callable[..., Visit], retriever: Retriever) -> None:
    page = visit().open(tab="about").page
    expect(page.locator("#card h1").first).to_contain_text("hgan")
    expect(page.locator(".hg-about").first).to_contain_text(str(len(retriever.gallery.items)))
