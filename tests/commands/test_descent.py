"""The processes below one are those that psutil finds."""

import subprocess
import threading

import psutil
import pytest

from seatrial.agent.commands import descent
from tests.waiting import eventually


@pytest.mark.parametrize("listed", [True, False])
def test_all_below_are_found_whichever_thread_began_them(
    monkeypatch: pytest.MonkeyPatch, listed: bool
) -> None:
    if listed and not descent.LISTED:
        pytest.skip("this kernel lists no children")
    monkeypatch.setattr(descent, "LISTED", listed)
    begun: list[subprocess.Popen[bytes]] = []

    def begin() -> None:
        begun.append(subprocess.Popen(["sh", "-c", "sleep 600 & sleep 600 & wait"], start_new_session=True))

    thread = threading.Thread(target=begin)
    thread.start()
    thread.join()
    (child,) = begun
    try:
        top = psutil.Process(child.pid)
        eventually(lambda: len(top.children()) == 2, what="both were begun")
        assert set(descent.below(top)) == set(top.children(recursive=True))
        assert {top, *top.children()} <= set(descent.below(psutil.Process()))
    finally:
        for one in (*top.children(), top):
            one.kill()
        child.wait()
