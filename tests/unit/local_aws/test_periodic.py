"""What is done again and again goes on whatever goes wrong once."""

from __future__ import annotations

import threading

from local_aws.periodic import periodically


def test_work_that_fails_is_done_again_and_the_log_says_what_went_wrong(capfd):
    came, done, over = [], threading.Event(), threading.Event()

    def work() -> None:
        came.append(None)
        if len(came) == 1:
            raise KeyError("Nobody thought of it.")
        done.set()
        over.wait()

    periodically(0.001, work)
    assert done.wait(120)
    assert "Nobody thought of it." in capfd.readouterr().err
