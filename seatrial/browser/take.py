"""Takes the screenshot of one page, in a container that holds nothing else. An agent passes this file to `python3 -c`.

Its argument is JSON: `url`, `hosts` (which name leads to which address; every other leads nowhere), `headers`, `seconds`. It prints
one line of JSON (`status`, `title`, `width`, `height`, `bytes`; or `problem`), then that many bytes of a PNG. It speaks to Chromium
by a pipe, so that nothing in the page's network can speak to it. Standard library only.
"""

import base64
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

WIDTH, HEIGHT = 1280, 800
TALLEST = 4_000
MOST_BYTES = 2_000_000
MOST_TITLE = 200
QUIET_SECONDS = 8.0  # after the page has loaded, for what it fetches then
CHROMIUM = (
    "chromium-headless-shell",
    "--no-sandbox",  # the container is the sandbox: Chromium's own needs rights that nothing in here has
    "--headless",
    "--remote-debugging-pipe",
    "--user-data-dir=/tmp/profile",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pings",
    "--deny-permission-prompts",
    "--mute-audio",
    # The same page is to give the same picture
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--disable-lcd-text",
    "--force-device-scale-factor=1",
)
STILL = """(async () => {
  await document.fonts.ready;
  for (const one of document.getAnimations()) { try { one.finish(); } catch { one.cancel(); } }
  document.activeElement?.blur?.();
})()"""
Said = Mapping[str, Any]


class NoPicture(Exception):
    """Why there is none, for people."""


class Chromium:
    """A browser, spoken to in the DevTools protocol; it is killed after `seconds`. `noticed` is called with everything that it says."""

    def __init__(self, hosts: Mapping[str, str], seconds: float) -> None:
        rules = ",".join([*(f"MAP {name} {address}" for name, address in hosts.items()), "MAP * ~NOTFOUND"])
        its_in, there = os.pipe()
        here, its_out = os.pipe()
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3<&{its_in} 4>&{its_out}', "sh", *CHROMIUM, f"--host-resolver-rules={rules}"],
            pass_fds=(its_in, its_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(its_in)
        os.close(its_out)
        self._in, self._out = os.fdopen(there, "wb"), os.fdopen(here, "rb")
        self._late = False
        self._timer = threading.Timer(seconds, self._too_late)
        self._timer.daemon = True
        self._timer.start()
        self._numbers = 0
        self._heard = b""
        self.session = ""

    def close(self) -> None:
        """End it."""
        self._timer.cancel()
        self._process.kill()
        self._process.wait()

    def call(self, method: str, **params: object) -> Said:
        """The result of a command."""
        self._numbers += 1
        number = self._numbers
        message = {"id": number, "method": method, "params": params}
        with contextlib.suppress(BrokenPipeError):  # what it said last is read all the same
            self._in.write(
                json.dumps(message | ({"sessionId": self.session} if self.session else {})).encode() + b"\0"
            )
            self._in.flush()
        said = self.hear(lambda one: one.get("id") == number)
        if "error" in said:
            raise NoPicture(f"Chromium refuses {method}: {said['error'].get('message', '')}")
        result: Said = said["result"]
        return result

    def hear(self, wanted: Callable[[Said], bool]) -> Said:
        """The next message that is wanted."""
        while True:
            line, found, rest = self._heard.partition(b"\0")
            if not found:
                self._heard += self._more()
                continue
            self._heard = rest
            said: Said = json.loads(line)
            self.noticed(said)
            if wanted(said):
                return said

    def noticed(self, said: Said) -> None:
        """Nothing, here."""

    def _more(self) -> bytes:
        chunk = self._out.read1(1 << 20)
        if not chunk:
            raise NoPicture("the page was not drawn in time" if self._late else "Chromium ended by itself")
        return bytes(chunk)

    def _too_late(self) -> None:
        self._late = True
        self._process.kill()


class Page(Chromium):
    """One page of it. `status`: what the server answered for the page itself."""

    def __init__(self, hosts: Mapping[str, str], seconds: float) -> None:
        super().__init__(hosts, seconds)
        self.status: int | None = None
        self._frame = ""
        self._reached: set[str] = set()

    def open(self, url: str, headers: Mapping[str, str]) -> None:
        """Load the page, and wait until it fetches nothing more, for a while."""
        target = self.call("Target.createTarget", url="about:blank", width=WIDTH, height=HEIGHT)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Network.enable")
        self.call("Network.setExtraHTTPHeaders", headers=headers)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=WIDTH,
            height=HEIGHT,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.call(
            "Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}]
        )
        self._frame = self.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        self._reached.clear()
        error = self.call("Page.navigate", url=url).get("errorText")
        if error:
            raise NoPicture(f"the page does not open: {error}")
        self._wait_for("load")
        until = time.monotonic() + QUIET_SECONDS
        while "networkIdle" not in self._reached and time.monotonic() < until:
            self.call("Page.getFrameTree")
            time.sleep(0.1)

    def picture(self) -> tuple[str, bytes]:
        """(its title, a PNG of it from the top)."""
        with contextlib.suppress(NoPicture):
            self.call("Runtime.evaluate", expression=STILL, awaitPromise=True, timeout=3_000)
        title = self.call("Runtime.evaluate", expression="document.title", returnByValue=True)["result"].get(
            "value"
        )
        whole = int(self.call("Page.getLayoutMetrics")["cssContentSize"]["height"])
        for height in (min(max(whole, HEIGHT), TALLEST), HEIGHT):
            png = self._shot(height)
            if len(png) <= MOST_BYTES:
                return str(title or "")[:MOST_TITLE], png
        raise NoPicture(f"the picture has more than {MOST_BYTES:,} bytes")

    def noticed(self, said: Said) -> None:
        """Keep how far the page itself is."""
        params = said.get("params") or {}
        if params.get("frameId") != self._frame:
            return
        if said.get("method") == "Network.responseReceived" and params.get("type") == "Document":
            self.status = int(params["response"]["status"])
        if said.get("method") == "Page.lifecycleEvent":
            self._reached = {params["name"]} if params["name"] == "init" else self._reached | {params["name"]}

    def _wait_for(self, event: str) -> None:
        if event not in self._reached:
            self.hear(lambda _: event in self._reached)

    def _shot(self, height: int) -> bytes:
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 1}
        said = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(said["data"])


def taken(asked: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """(what is said of the picture, the picture). Raises NoPicture."""
    page = Page(asked["hosts"], float(asked["seconds"]))
    try:
        page.open(asked["url"], asked["headers"])
        title, png = page.picture()
    finally:
        page.close()
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    return {"status": page.status, "title": title, "width": width, "height": height, "bytes": len(png)}, png


def main() -> None:
    """See the module."""
    try:
        said, png = taken(json.loads(sys.argv[1]))
    except NoPicture as error:
        said, png = {"problem": str(error)}, b""
    except FileNotFoundError:
        said, png = {"problem": "there is no chromium-headless-shell in this image"}, b""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + png)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
