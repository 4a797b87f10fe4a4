"""The number format follows the device, unless it is named."""

from __future__ import annotations

import pytest
import tensorflow as tf

from model_code.networks import precision


@pytest.mark.parametrize(
    ("flags", "has_it"),
    [("fpu avx avx2", False), ("fpu avx512f avx512bw", False), ("fpu avx512_bf16", True), ("amx_bf16", True)],
)
def test_a_processor_has_bfloat16_when_its_flags_say_so(tmp_path, flags, has_it):
    file = tmp_path / "cpuinfo"
    file.write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: amx_bf16\n")
    assert precision.processor_has_bfloat16(file) == has_it


def test_a_system_that_lists_no_flags_gets_float32(tmp_path):
    assert not precision.processor_has_bfloat16(tmp_path / "not-there")


@pytest.mark.parametrize(
    ("capabilities", "policy"),
    [
        ([(9, 0)], "mixed_bfloat16"),
        ([(8, 0), (8, 6)], "mixed_bfloat16"),
        ([(7, 5)], "float32"),
        ([(8, 0), (7, 0)], "float32"),
        ([None], "float32"),
    ],
)
def test_every_gpu_has_to_have_tensor_cores_for_it(monkeypatch, capabilities, policy):
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: capabilities)
    monkeypatch.setattr(
        tf.config.experimental, "get_device_details", lambda gpu: {"compute_capability": gpu} if gpu else {}
    )
    assert precision.precision_policy("auto") == policy


@pytest.mark.parametrize(("named", "policy"), [("float32", "float32"), ("bfloat16", "mixed_bfloat16")])
def test_a_named_format_is_kept_on_any_device(named, policy):
    assert precision.precision_policy(named) == policy


@pytest.mark.parametrize(
    ("setting", "policy"),
    [
        ("TF_ENABLE_ONEDNN_OPTS=1", "mixed_bfloat16"),
        ("TF_ENABLE_ONEDNN_OPTS=0", "float32"),
        ("TF_ENABLE_ONEDNN_OPTS=false", "float32"),
        ("ONEDNN_MAX_CPU_ISA=AVX2", "float32"),
        ("ONEDNN_MAX_CPU_ISA=avx512_core_bf16", "mixed_bfloat16"),
        ("ONEDNN_MAX_CPU_ISA=default", "mixed_bfloat16"),
    ],
)
def test_a_processor_computes_bfloat16_where_onednn_may(tmp_path, monkeypatch, setting, policy):
    file = tmp_path / "cpuinfo"
    file.write_text("flags\t\t: fpu avx512_bf16\n")
    monkeypatch.setattr(precision, "PROCESSOR_FILE", file)
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda _: [])
    for name in ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(*setting.split("="))
    assert precision.precision_policy("auto") == policy
