"""An encoder computes where it is told to, and everything that runs the model does so through it."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from PIL import Image

import hgan.encoding
from hgan import HGANModel, HGANProcessor
from hgan.data.folder import read_dataset
from hgan.demo.uploads import session
from hgan.demo.uploads.files import Upload
from hgan.demo.uploads.session import build_session_gallery, everyday
from hgan.encoding import Encoder, is_zero_gpu
from hgan.evaluation.evaluate import score_records
from hgan.gallery.build import build_gallery
from hgan.gallery.store import Gallery
from hgan.retrieval.retriever import Retriever

TEXT = "a small red box"


class Worker:
    """Stands in for the worker of `spaces`: what goes in and out is pickled, errors lose their message, and the model may run
    nowhere else."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.inside = False

    def lend(self, function: Callable[..., Any], duration: int) -> Callable[..., Any]:
        assert duration <= 60

        def call(*args: Any) -> Any:
            args = pickle.loads(pickle.dumps(args))
            self.ran.append(args[0].__name__)
            self.inside = True
            try:
                return pickle.loads(pickle.dumps(function(*args)))
            except Exception as error:
                raise RuntimeError(type(error).__name__) from None
            finally:
                self.inside = False

        return call


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    worker, spaces = Worker(), ModuleType("spaces")
    spaces.__spec__ = ModuleSpec("spaces", None)
    spaces.GPU = worker.lend  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "spaces", spaces)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    return worker


@pytest.fixture
def lent(
    worker: Worker,
    tiny_model: HGANModel,
    tiny_processor: HGANProcessor,
    tiny_gallery: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Retriever]:
    """A retriever whose model runs in the worker alone; its weights cannot be read here, as after a launch on ZeroGPU."""
    model = copy.deepcopy(tiny_model)
    retriever = Retriever.of(Encoder(model, tiny_processor), Gallery(tiny_gallery))

    def only_there(*_: Any) -> None:
        assert worker.inside, "the model ran outside the worker"

    for part in (model.regions, model.text_encoder, model.mfar):
        part.register_forward_pre_hook(only_there)
    monkeypatch.setattr(model, "state_dict", lambda *_, **__: pytest.fail("the weights were read outside the worker"))
    learned = HGANModel.similarity_parameters.fget
    monkeypatch.setattr(
        HGANModel, "similarity_parameters", property(lambda self: only_there() if self is model else learned(self))
    )
    worker.ran.clear()
    yield retriever
    assert worker.ran


def test_a_search_by_sentence_runs_there_and_gives_the_same(lent: Retriever, tiny_retriever: Retriever) -> None:
    assert lent.search(text=TEXT).hits == tiny_retriever.search(text=TEXT).hits


def test_a_search_by_picture_runs_there_and_gives_the_same(
    lent: Retriever, tiny_retriever: Retriever, picture: Callable[..., Image.Image]
) -> None:
    assert lent.search(image=picture(3)).hits == tiny_retriever.search(image=picture(3)).hits


def test_what_if_runs_there_once_and_gives_the_same(
    lent: Retriever, tiny_retriever: Retriever, worker: Worker, picture: Callable[..., Image.Image]
) -> None:
    query = lent.encode(TEXT)
    worker.ran.clear()
    answer = lent.what_if("03_green_square", query, words_off=[1], edges_off=[("image", 0, 1)])
    assert len(worker.ran) == 1
    expected = tiny_retriever.what_if(
        "03_green_square", tiny_retriever.encode(TEXT), words_off=[1], edges_off=[("image", 0, 1)]
    )
    assert (answer.after.score, answer.rank_after) == (expected.after.score, expected.rank_after)
    by_picture = lent.encode(image=picture(7))
    assert lent.what_if("03_green_square#0", by_picture, regions_off=[0]).change != 0


def test_explaining_and_error_analysis_do_not_need_it(lent: Retriever, worker: Worker) -> None:
    query = lent.encode(TEXT)
    worker.ran.clear()
    lent.explain("03_green_square", query=query)
    lent.analyse()
    assert worker.ran == []
    lent.encode(TEXT)


def test_building_a_gallery_runs_there(lent: Retriever, tiny_dataset: Path, tiny_gallery: Path, tmp_path: Path) -> None:
    encoder = lent.encoder
    built = build_gallery(
        encoder.model, encoder.processor, read_dataset(tiny_dataset), tmp_path / "g", "tiny", encoder=encoder
    )
    for name, array in Gallery(tiny_gallery).images.arrays.items():
        assert (array == built.images.arrays[name]).all()


def test_captions_of_a_lean_gallery_are_encoded_there(
    lent: Retriever, tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: Worker
) -> None:
    monkeypatch.setenv("HGAN_CACHE", str(tmp_path / "cache"))
    encoder = lent.encoder
    build_gallery(
        encoder.model, encoder.processor, read_dataset(tiny_dataset), tmp_path / "g", "tiny", lean=True, encoder=encoder
    )
    worker.ran.clear()
    lean = Retriever.of(encoder, Gallery(tmp_path / "g"))
    query = lent.encode(image=read_dataset(tiny_dataset)[0].path)
    assert [hit.id for hit in lean.search(query=query).hits] == [hit.id for hit in lent.search(query=query).hits]
    assert worker.ran.count("encode_texts") == 1


def test_own_galleries_are_built_and_asked_there(
    lent: Retriever,
    picture: Callable[..., Image.Image],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    worker: Worker,
) -> None:
    monkeypatch.setenv("HGAN_CACHE", str(tmp_path / "cache"))
    (tmp_path / "everyday.jsonl").write_text('{"text": "a dog"}\n{"text": "a red box"}\n')
    monkeypatch.setattr(session, "EVERYDAY", tmp_path / "everyday.jsonl")
    picture(1).save(tmp_path / "one.png")
    reports: list[tuple[int, int]] = []
    own = build_session_gallery(
        lent, [Upload(tmp_path / "one.png", "one.png")], lambda done, total: reports.append((done, total))
    )
    try:
        assert reports == [(0, 1), (1, 1)]  # the build itself stays here, so it can report and be stopped
        query = own.opened.encode(TEXT)
        worker.ran.clear()
        own.opened.what_if("one", query, text="a green circle")
        assert worker.ran == ["encode_pairs"]
        worker.ran.clear()
        assert own.for_pictures is everyday(lent)
        assert len(own.for_pictures.search(image=picture(1)).hits) == 2
        assert "encode_texts" in worker.ran
    finally:
        own.close()


def test_evaluation_runs_there_when_it_is_told_so(lent: Retriever, tiny_dataset: Path) -> None:
    encoder = lent.encoder
    scored = score_records(encoder.model, encoder.processor, read_dataset(tiny_dataset, "dev"), encoder=encoder)
    assert scored.table.score.shape == (4, 8)


def test_what_was_wrong_is_said_as_ever(lent: Retriever) -> None:
    query = lent.encode(TEXT)
    with pytest.raises(ValueError, match="word 9 to switch off, but expected one of 0 to 3"):
        lent.what_if("03_green_square", query, words_off=[9])
    with pytest.raises(ValueError, match="expected a picture"):
        lent.encode(image=b"no picture")


@pytest.mark.parametrize("setting", ["", "false", "0"])
def test_elsewhere_nothing_is_lent(
    setting: str, worker: Worker, tiny_model: HGANModel, tiny_processor: HGANProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", setting)
    assert not is_zero_gpu()
    Encoder(tiny_model, tiny_processor).texts([TEXT])
    assert worker.ran == []


def test_without_the_package_nothing_is_lent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    monkeypatch.setattr(hgan.encoding.importlib.util, "find_spec", lambda _: None)
    assert not is_zero_gpu()


def test_half_precision_is_of_a_gpu_and_numbers_come_back_whole(
    tiny_model: HGANModel, tiny_processor: HGANProcessor
) -> None:
    encoder, seen = Encoder(tiny_model, tiny_processor).use_bfloat16(), []
    assert not encoder.bfloat16  # it is on a CPU

    def look(model: HGANModel, processor: HGANProcessor) -> tuple[Any, ...]:
        seen.append((torch.is_autocast_enabled("cuda"), torch.is_grad_enabled()))
        return (tiny_graph.to(torch.bfloat16),)

    tiny_graph = encoder.texts([TEXT])
    encoder.run(look)
    encoder.bfloat16 = True
    if torch.cuda.is_available():
        (back,) = encoder.run(look)
        assert seen == [(False, False), (True, False)]
        assert back.nodes.dtype == torch.float32
    (back,) = hgan.encoding._at_rest((tiny_graph.map(lambda t: t.half() if t.is_floating_point() else t),))
    assert (back.nodes.dtype, back.mask.dtype) == (torch.float32, torch.bool)


@pytest.mark.gpu
@pytest.mark.parametrize(("bfloat16", "most"), [(False, 1e-4), (True, 3e-2)])
def test_a_gpu_gives_what_a_cpu_gives(
    bfloat16: bool,
    most: float,
    tiny_model: HGANModel,
    tiny_processor: HGANProcessor,
    tiny_retriever: Retriever,
    tiny_gallery: Path,
    picture: Callable[..., Image.Image],
) -> None:
    encoder = Encoder(copy.deepcopy(tiny_model).to("cuda"), tiny_processor)
    if bfloat16:
        assert encoder.use_bfloat16().bfloat16
    there = Retriever.of(encoder, Gallery(tiny_gallery))
    for question in ({"text": TEXT}, {"image": picture(3)}):
        here, other = (
            {hit.id: hit.score for hit in retriever.search(k=24, **question).hits}
            for retriever in (tiny_retriever, there)
        )
        assert other == pytest.approx(here, abs=most)
    query = there.encode(TEXT)
    assert {tensor.device.type for tensor in vars(query.graph).values()} == {"cpu"}
    change = there.what_if("03_green_square", query, words_off=[1]).change
    expected = tiny_retriever.what_if("03_green_square", tiny_retriever.encode(TEXT), words_off=[1]).change
    assert change == pytest.approx(expected, abs=most)
