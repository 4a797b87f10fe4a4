"""Which number format a device computes the networks' activations in fastest."""

from __future__ import annotations

import os
from pathlib import Path

# A GPU with these has tensor cores for bfloat16 (NVIDIA Ampere and later; CUDA C++ programming guide, compute 8.0).
BFLOAT16_CAPABILITY = (8, 0)
# A processor without one of these computes bfloat16 convolutions by a detour: measured on AVX2, 7 to 11 times slower.
BFLOAT16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})
# To which oneDNN can be held by ONEDNN_MAX_CPU_ISA, and which have none (oneDNN developer guide, "CPU Dispatcher
# Control").
BELOW_BFLOAT16 = frozenset({"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"})
PROCESSOR_FILE = Path("/proc/cpuinfo")


def precision_policy(mixed_precision: str) -> str:
    """Keras's name of the policy that computes in `mixed_precision` and keeps weights in float32.

    Args:
        mixed_precision: `float32`, `bfloat16`, or `auto` for bfloat16 where the device has instructions for it.
    """
    if mixed_precision == "auto":
        mixed_precision = "bfloat16" if device_has_bfloat16() else "float32"
    return "float32" if mixed_precision == "float32" else f"mixed_{mixed_precision}"


def device_has_bfloat16() -> bool:
    """Whether every GPU, or where there is none the processor, has instructions for bfloat16 that TensorFlow uses."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return onednn_may_use_bfloat16() and processor_has_bfloat16(PROCESSOR_FILE)
    capabilities = [tf.config.experimental.get_device_details(gpu).get("compute_capability") for gpu in gpus]
    return all(capability is not None and capability >= BFLOAT16_CAPABILITY for capability in capabilities)


def onednn_may_use_bfloat16() -> bool:
    """Whether the environment lets oneDNN use them; no other kernels of TensorFlow's do."""
    is_on = os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1").lower() not in ("0", "false")
    return is_on and os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() not in BELOW_BFLOAT16


def processor_has_bfloat16(file: Path) -> bool:
    """Whether Linux lists such instructions in `file`; False where there is no such file (macOS, Windows)."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return bool(BFLOAT16_FLAGS.intersection(flags))
