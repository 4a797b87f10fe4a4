"""Turns a TensorFlow.js graph model (its description and its weights) into a TensorFlow function."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

# TensorFlow.js fuses a product with what follows; TensorFlow has these as kernels of its own optimiser only.
UNFUSED = {
    "_FusedConv2D": "Conv2D",
    "FusedDepthwiseConv2dNative": "DepthwiseConv2dNative",
    "_FusedMatMul": "MatMul",
}
FUSED_ATTRIBUTES = ("fused_ops", "num_args", "epsilon", "leakyrelu_alpha")
ACTIVATIONS = frozenset({"Relu", "Relu6", "Elu"})


class UnknownGraph(Exception):
    """The graph uses what this loader does not know; the message names it."""


@cache
def tensorflow() -> Any:
    """TensorFlow, loaded at first use and set for graphs that other programs wrote: the way to it for every stand-in.

    The optimiser's remapping pass fuses a convolution, its bias and an addition anew for oneDNN. With BlazeFace's
    graph, where an addend is a padded tensor, that ends the process (TensorFlow 2.21, on processors where oneDNN is
    on by itself). The pass only saves time, so it is off for every graph.
    """
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"remapping": False})
    if tf.config.list_physical_devices("GPU"):
        # A training job or an endpoint needs the GPU's memory, which TensorFlow would take whole.
        tf.config.set_visible_devices([], "GPU")
    return tf


def load_graph_model(model_json: Path, inputs: str, outputs: str | list[str]) -> Any:
    """A TensorFlow function of a model.json with its weights beside it; see `graph_function`."""
    model = json.loads(model_json.read_bytes())
    return graph_function(model, lambda path: (model_json.parent / path).read_bytes(), inputs, outputs)


def graph_function(
    model: dict[str, Any], shard: Callable[[str], bytes], inputs: str, outputs: str | list[str]
) -> Any:
    """A TensorFlow function from the tensor named `inputs` to the tensor named `outputs`, or to several.

    Args:
        model: what model.json holds.
        shard: the content of a path of its manifest.
        inputs: as above.
        outputs: as above.

    Raises:
        UnknownGraph: when the weights or a fused operation are of a kind not handled here.
    """
    tf = tensorflow()
    weights = read_weights(model["weightsManifest"], shard)
    graph = graph_definition(model["modelTopology"]["node"], weights)
    imported = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    return imported.prune(inputs, outputs)


def read_weights(manifest: list[dict[str, Any]], shard: Callable[[str], bytes]) -> dict[str, np.ndarray]:
    """Every weight by name, in the type that the graph computes in."""
    weights: dict[str, np.ndarray] = {}
    for group in manifest:
        content = b"".join(shard(path) for path in group["paths"])
        position = 0
        for entry in group["weights"]:
            stored = np.dtype(stored_type(entry))
            count = int(np.prod(entry["shape"]))
            values = np.frombuffer(content, stored, count, position).reshape(entry["shape"])
            weights[entry["name"]] = widened(values, entry)
            position += count * stored.itemsize
        if position != len(content):
            raise UnknownGraph(
                f"The manifest describes {position} bytes of weights, but there are {len(content)}."
            )
    return weights


def stored_type(entry: dict[str, Any]) -> str:
    """The type in which a weight lies in the file."""
    stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
    if stored not in ("uint8", "float16", "float32", "int32"):
        raise UnknownGraph(f"The weight {entry['name']} is stored as {stored}, which is not handled.")
    return stored


def widened(values: np.ndarray, entry: dict[str, Any]) -> np.ndarray:
    """Stored values as the graph computes with them: whole numbers of steps of a scale, or shorter floats."""
    wide = values.astype(entry["dtype"])
    quantization = entry.get("quantization", {})
    if "scale" in quantization:
        return (wide * quantization["scale"] + quantization["min"]).astype(entry["dtype"])
    return wide


def graph_definition(nodes: list[dict[str, Any]], weights: dict[str, np.ndarray]) -> Any:
    """A TensorFlow GraphDef of operations that every TensorFlow has, the weights inside."""
    from google.protobuf import json_format

    tf = tensorflow()
    graph = tf.compat.v1.GraphDef()
    for described in nodes:
        node = graph.node.add()
        if described["name"] in weights:
            values = weights[described["name"]]
            node.name, node.op = described["name"], "Const"
            node.attr["dtype"].type = tf.as_dtype(values.dtype).as_datatype_enum
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
        else:
            json_format.ParseDict({**described, "device": ""}, node)
            if node.op in UNFUSED:
                unfuse(node, graph)
    return graph


def unfuse(node: Any, graph: Any) -> None:
    """Splits a fused product into product, bias and activation; the last takes over the node's name."""
    name, element_type = node.name, node.attr["T"].type
    bias, *activations = [operation.decode() for operation in node.attr["fused_ops"].list.s]
    if bias != "BiasAdd" or len(node.input) != 3 or not ACTIVATIONS.issuperset(activations):
        raise UnknownGraph(f"The operation {name} fuses {[bias, *activations]}, which is not handled.")
    offset = node.input.pop()
    node.op, node.name = UNFUSED[node.op], f"{name}/product"
    for attribute in FUSED_ATTRIBUTES:
        node.attr.pop(attribute, None)
    steps = [("BiasAdd", [node.name, offset])]
    steps += [(activation, [f"{name}/BiasAdd"]) for activation in activations]
    for operation, inputs in steps:
        is_last = operation == steps[-1][0]
        added = graph.node.add(op=operation, name=name if is_last else f"{name}/{operation}", input=inputs)
        added.attr["T"].type = element_type
