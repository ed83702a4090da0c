from __future__ import annotations

import json
import shutil

import pytest

from hgan.data.folder import read_dataset
from hgan.gallery.build import build_gallery
from hgan.gallery.calibration import Calibration, judge, sample
from hgan.gallery.store import Gallery
from hgan.retrieval.retriever import Retriever

# Own queries score 0.5 to 0.9, foreign ones 0.1 to 0.6.
KNOWN = Calibration.of([0.5, 0.6, 0.7, 0.8, 0.9], [0.1, 0.2, 0.3, 0.4, 0.6])


@pytest.mark.parametrize(
    ("best", "level"),
    [(0.05, "nothing"), (0.4, "nothing"), (0.5, "weak"), (0.55, "weak"), (0.6, "good"), (0.95, "good")],
)
def test_a_score_is_placed_between_own_and_foreign_queries(best, level):
    """At 0.5 and 0.55 one in five of both kinds is there; at 0.6 two in five own ones against one foreign one."""
    assert judge(best, KNOWN, "sentences").level == level


def test_the_same_scores_in_another_unit_get_the_same_verdict():
    """Nothing is a fixed cut-off: a model whose scores are all ten times smaller is judged alike."""
    small = Calibration.of([s / 10 for s in KNOWN.matched], [s / 10 for s in KNOWN.nothing])
    for best in (0.2, 0.55, 0.8):
        ours, theirs = judge(best, KNOWN, "sentences"), judge(best / 10, small, "sentences")
        assert (ours.level, ours.z, ours.typical) == (
            theirs.level,
            pytest.approx(theirs.z, abs=1e-6),
            pytest.approx(theirs.typical),
        )


def test_z_is_measured_in_foreign_queries():
    verdict = judge(0.52, KNOWN, "sentences")
    assert verdict.z == pytest.approx((0.52 - 0.32) / 0.1720465, abs=1e-4)
    assert verdict.typical == pytest.approx((0.7 - 0.32) / 0.1720465, abs=1e-4)


@pytest.mark.parametrize(("best", "level"), [(0.3, "nothing"), (0.5, "weak"), (0.7, "good")])
def test_without_captions_the_foreign_queries_alone_decide(best, level):
    assert judge(best, Calibration.of([], KNOWN.nothing), "sentences").level == level


def test_scores_that_are_all_the_same_give_numbers():
    assert judge(0.5, Calibration.of([], [0.5] * 3), "pictures").z == 0


def test_a_sample_is_spread_over_all_rows():
    assert sample(3, 5) == [0, 1, 2]
    assert sample(10, 4) == [0, 2, 5, 7]
    assert len(set(sample(1001, 200))) == 200


def test_a_search_says_how_well_the_best_match_stands(tiny_retriever, picture):
    for result in (tiny_retriever.search(text="a red circle"), tiny_retriever.search(image=picture(3))):
        assert result.verdict.level in ("good", "weak", "nothing")
        assert result.verdict.sentence
        assert result.to_json()["verdict"]["level"] == result.verdict.level


def test_a_verdict_is_that_of_the_learned_weights(tiny_retriever):
    query = tiny_retriever.encode("a red circle")
    assert (
        tiny_retriever.search(query=query, weights={"local": 1.0}).verdict.z
        == pytest.approx(tiny_retriever.search(query=query).verdict.z, abs=1e-5)
    )  # fmt: skip


def test_a_built_gallery_knows_its_scores_and_one_that_does_not_is_measured(tiny_retriever, tiny_gallery, tmp_path):
    folder = shutil.copytree(tiny_gallery, tmp_path / "copy")
    manifest = json.loads((folder / "manifest.json").read_text())
    stored = manifest.pop("calibration")
    assert (len(stored["matched"]), len(stored["nothing"])) == (24, 40)
    wanted = tiny_retriever.search(text="a red circle").verdict
    for damage in (None, {"matched": "x"}, {"matched": [], "nothing": []}):
        (folder / "manifest.json").write_text(json.dumps({**manifest, "calibration": damage}))
        bare = Retriever(tiny_retriever.model, tiny_retriever.processor, Gallery(folder))
        assert bare.search(text="a red circle").verdict.z == pytest.approx(wanted.z, abs=0.01)


def test_pictures_alone_get_verdicts_too(tiny_model, tiny_processor, tmp_path, picture):
    (tmp_path / "pictures").mkdir()
    for seed in range(3):
        picture(seed).save(tmp_path / "pictures" / f"{seed}.png")
    records = read_dataset(tmp_path / "pictures")
    retriever = Retriever(
        tiny_model, tiny_processor, build_gallery(tiny_model, tiny_processor, records, tmp_path / "g", "t")
    )
    assert retriever.gallery.manifest["calibration"]["matched"] == []
    assert retriever.search(text="a red circle").verdict.level in ("good", "weak", "nothing")
