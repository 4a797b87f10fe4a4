"""Which models of a multi-model endpoint stay loaded."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from local_aws.sagemaker.errors import ServiceError
from local_aws.sagemaker.model_servers import Answering, StartFailed
from local_aws.sagemaker.multi_models import MultiModelServer, as_runtime_errors, asked_for
from local_aws.sagemaker.objects import TransferFailed


class Model(Answering):
    """A model that says when it was unloaded."""

    def __init__(self) -> None:
        super().__init__()
        self.gone = threading.Event()

    def stop(self) -> None:
        self.gone.set()


class Loads:
    """Loads models, and keeps count."""

    def __init__(self) -> None:
        self.loaded: list[tuple[str, Model]] = []

    def __call__(self, target: str) -> Model:
        self.loaded.append((target, Model()))
        return self.loaded[-1][1]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.loaded]


def ask(server: MultiModelServer, *targets: str) -> None:
    for target in targets:
        with server.model(target):
            pass


def test_a_model_is_loaded_when_it_is_first_asked_and_stays():
    loads = Loads()
    ask(MultiModelServer(loads), "a", "b", "a", "b")
    assert loads.names == ["a", "b"]


def test_the_model_that_was_asked_longest_ago_is_unloaded():
    loads = Loads()
    server = MultiModelServer(loads, at_most=2)
    ask(server, "a", "b", "a", "c")
    (_, b) = loads.loaded[1]
    assert b.gone.wait(120)
    assert list(server.models) == ["a", "c"]
    ask(server, "b")
    assert loads.names == ["a", "b", "c", "b"], "it is loaded anew when it is asked again"


def test_without_a_cache_a_model_goes_with_its_answer_and_not_before():
    loads = Loads()
    server = MultiModelServer(loads, at_most=0)
    with server.model("a") as model:
        assert not model.gone.is_set()
    assert model.gone.wait(120)


def test_a_model_that_is_asked_right_now_answers_before_it_goes():
    loads = Loads()
    server = MultiModelServer(loads, at_most=1)
    with server.model("a") as model:
        ask(server, "b")
        assert list(server.models) == ["b"]
        assert not model.gone.is_set()
    assert model.gone.wait(120)


def test_of_several_requests_for_the_same_model_one_loads_it():
    together, loads = threading.Barrier(4), Loads()
    server = MultiModelServer(loads)

    def ask_with_the_others(_: int) -> None:
        together.wait(120)
        ask(server, "a")

    with ThreadPoolExecutor(4) as askers:
        list(askers.map(ask_with_the_others, range(4)))
    assert loads.names == ["a"]


def test_a_model_that_does_not_load_is_tried_again_by_the_next_request():
    tries = []

    def load(target: str) -> Model:
        tries.append(target)
        with as_runtime_errors(f"s3://models/{target}"):
            raise StartFailed("it is damaged")

    server = MultiModelServer(load)
    for _ in range(2):
        with pytest.raises(ServiceError, match="it is damaged") as failed:
            ask(server, "a")
        assert (failed.value.code, failed.value.status) == ("ModelError", 424)
    assert tries == ["a", "a"]


def test_names_of_models_that_are_not_there_leave_nothing_behind():
    def load(target: str) -> Model:
        raise ServiceError("ValidationException", f"There is no {target}.")

    server = MultiModelServer(load)
    for number in range(5):
        with contextlib.suppress(ServiceError):
            ask(server, f"guess-{number}")
    assert not server.turns
    assert not server.models


def test_a_model_that_is_not_there_is_said_to_be_missing_by_its_place():
    with pytest.raises(ServiceError, match=r"\(bucket: models, key: prefix/a\)") as failed:  # noqa: SIM117
        with as_runtime_errors("s3://models/prefix/a"):
            raise TransferFailed("no such object")
    assert failed.value.code == "ValidationException"


@pytest.mark.parametrize(
    ("server", "target", "said"),
    [
        (Model(), "a", "is not a multi-model endpoint and does not support target model header"),
        (MultiModelServer(Loads()), None, "is missing a target model header"),
    ],
)
def test_a_target_is_named_where_there_are_several_models_and_nowhere_else(server, target, said):
    with pytest.raises(ServiceError, match=said), asked_for(server, "endpoint", target):
        raise AssertionError("It was asked.")
