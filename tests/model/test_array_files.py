"""Files of arrays come from strangers: they are read within bounds, or one sentence names what is wrong."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model_code.data import archives, array_files
from model_code.data.array_files import read_arrays
from model_code.failures import JobFailed


def saved(save=np.savez, **arrays) -> bytes:
    """The bytes of a file of arrays."""
    content = io.BytesIO()
    save(content, **(arrays or {"x": np.arange(6.0).reshape(3, 2), "y": np.array([0, 1, 0])}))
    return content.getvalue()


GOOD = (saved(), saved(np.savez_compressed))


def directory_changed(offset: int, value: int) -> bytes:
    """A file whose directory says something else of its first array; the offset is that of the zip format."""
    content = bytearray(GOOD[1])
    content[content.index(b"PK\x01\x02") + offset] = value
    return bytes(content)


def zipped(member: bytes, **options) -> bytes:
    """A zip file of one member that is called as an array is."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", **options) as archive:
        archive.writestr("x.npy", member)
    return content.getvalue()


BROKEN_HEADER = b"\x93NUMPY\x01\x00\x0a\x00{'descr': ["


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (directory_changed(8, 1), "cannot be read as arrays of numbers or strings (RuntimeError)"),
        (directory_changed(10, 99), "is compressed as NumPy compresses nothing"),
        (zipped(b"", compression=zipfile.ZIP_LZMA), "is compressed as NumPy compresses nothing"),
        (zipped(b""), "cannot be read as arrays of numbers or strings"),
        (zipped(b"no array"), "cannot be read as arrays of numbers or strings"),
        (zipped(BROKEN_HEADER), "cannot be read as arrays of numbers or strings"),
        (GOOD[0][:-30], "cannot be read as arrays of numbers or strings (BadZipFile)"),
        (saved(x=np.float64(1), y=np.float64(1)), "needs the arrays x and y"),
        (saved(x=np.zeros((10**12, 0)), y=np.zeros(10**3)), "needs the arrays x and y"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path, content, sentence):
    file = tmp_path / "a.npz"
    file.write_bytes(content)
    with pytest.raises(JobFailed) as failure:
        read_arrays(file)
    assert str(failure.value).startswith(f"{file} {sentence}")


@pytest.mark.threat
def test_a_file_that_unpacks_beyond_its_bounds_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "ALWAYS_ALLOWED_BYTES", 1_000)
    monkeypatch.setattr(array_files, "array_of", lambda *_: pytest.fail("It is read."))
    file = tmp_path / "a.npz"
    file.write_bytes(saved(np.savez_compressed, x=np.zeros((1_000, 200)), y=np.zeros(1_000)))
    with pytest.raises(JobFailed, match=r"unpacks to 1,608,\d\d\d bytes; .* numpy.savez, which does not"):
        read_arrays(file)


def test_a_file_of_too_many_arrays_is_refused_unread(tmp_path, monkeypatch):
    monkeypatch.setattr(array_files, "MOST_FILES", 1)
    monkeypatch.setattr(array_files, "array_of", lambda *_: pytest.fail("It is read."))
    file = tmp_path / "a.npz"
    file.write_bytes(GOOD[0])
    with pytest.raises(JobFailed, match="holds 2 arrays; 1 at most are read"):
        read_arrays(file)


@given(st.sampled_from(GOOD), st.integers(0, 10**4), st.integers(0, 8), st.binary(max_size=8))
@example(GOOD[0], 0, 0, b"")
def test_a_damaged_file_of_arrays_is_read_or_refused(content, place, left_out, put_in):
    place %= len(content)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "a.npz")
        file.write_bytes(content[:place] + put_in + content[place + left_out :])
        try:
            data = read_arrays(file)
        except JobFailed as refusal:
            assert str(refusal).startswith((str(file), "The "))
        else:
            assert len(data.samples) <= 6
