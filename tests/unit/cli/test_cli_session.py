"""What `recognition up` leaves for the commands that follow: with the keys, and for the user alone."""

from __future__ import annotations

import os
import stat

import pytest

from cli import embedded
from local_aws.keys import Keys


@pytest.fixture
def session(tmp_path, monkeypatch) -> embedded.Session:
    """A session that is remembered, of this very process, in a directory that was open to everybody."""
    folder = tmp_path / "embedded"
    folder.mkdir(mode=0o755)
    monkeypatch.setattr(embedded, "SESSION_FILE", folder / "session.json")
    monkeypatch.setattr(embedded, "is_embedded_aws", lambda process_id: process_id == os.getpid())
    remembered = embedded.Session("http://127.0.0.1:1", os.getpid(), "aws.log", Keys.made())
    embedded.remember(remembered)
    return remembered


def test_the_keys_are_there_for_the_commands_that_follow(session):
    assert embedded.running_session() == session


def test_only_the_user_can_read_them(session):
    folder = embedded.SESSION_FILE.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()} == {
        "session.json": 0o600,
        "keys.curl": 0o600,
        "console.html": 0o600,
    }


def test_curl_and_the_browser_find_them_in_files(session):
    keys = session.keys
    assert embedded.curl_file().read_text() == f'user = "{keys.access_key_id}:{keys.secret_access_key}"\n'
    assert f"url=http://127.0.0.1:1/_console/#key={keys.console_key}" in embedded.console_file().read_text()


def test_neither_a_message_nor_a_log_shows_a_secret(session):
    assert session.keys.secret_access_key not in repr(session)
    assert session.keys.console_key not in repr(session)


def test_no_two_starts_have_the_same_keys():
    one, other = Keys.made(), Keys.made()
    assert one.access_key_id != other.access_key_id
    assert one.secret_access_key != other.secret_access_key
    assert one.console_key != other.console_key
