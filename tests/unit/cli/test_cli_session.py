"""What `recognition up` leaves for curl and browsers: with the keys, and for the user alone."""

from __future__ import annotations

import stat

import pytest

from cli.shared import embedded
from local_aws.keys import Keys


@pytest.fixture
def keys(tmp_path, monkeypatch) -> Keys:
    """Keys whose files are written, in a directory that was open to everybody."""
    folder = tmp_path / "embedded"
    folder.mkdir(mode=0o755)
    monkeypatch.setattr(embedded, "CURL_FILE", folder / "keys.curl")
    monkeypatch.setattr(embedded, "CONSOLE_FILE", folder / "console.html")
    made = Keys.made()
    embedded.write_key_files("http://127.0.0.1:1", made)
    return made


def test_only_the_user_can_read_them(keys):
    folder = embedded.CURL_FILE.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "keys.curl": 0o600,
        "console.html": 0o600,
    }


def test_curl_and_the_browser_find_them_in_files(keys):
    assert embedded.CURL_FILE.read_text() == f'user = "{keys.access_key_id}:{keys.secret_access_key}"\n'
    assert f"url=http://127.0.0.1:1/_console/#key={keys.console_key}" in embedded.CONSOLE_FILE.read_text()


def test_down_takes_those_of_a_killed_one_away(keys, monkeypatch, tmp_path):
    for place in ("STATE_DIRECTORY", "KEPT_DIRECTORY"):
        monkeypatch.setattr(embedded, place, tmp_path / place)
    assert not embedded.stop()
    assert not embedded.CURL_FILE.exists() and not embedded.CONSOLE_FILE.exists()


def test_neither_a_message_nor_a_log_shows_a_secret(keys):
    assert keys.secret_access_key not in repr(keys)
    assert keys.console_key not in repr(keys)


def test_no_two_starts_have_the_same_keys():
    first, other = Keys.made(), Keys.made()
    assert first.access_key_id != other.access_key_id
    assert first.secret_access_key != other.secret_access_key
    assert first.console_key != other.console_key
