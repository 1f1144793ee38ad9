"""Firefox for the tests of the step page, driven over Marionette, the socket that Firefox itself opens.

Nothing but Firefox is needed: a command is `[0, number, name, parameters]` as JSON behind its length, the answer
`[1, number, error, result]`.
"""

from __future__ import annotations

import itertools
import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["FIREFOX", "Firefox", "firefox", "served"]

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
KEYS = {"Home": "\ue011", "End": "\ue010", "ArrowLeft": "\ue012", "ArrowRight": "\ue014", "Tab": "\ue004"}
PREFERENCES = {
    "marionette.port": 0,
    "browser.chrome.site_icons": False,
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.shell.checkDefaultBrowser": False,
}
CONSOLE = """
const mine = m => m instanceof Ci.nsIScriptError
  && ((m.sourceName || '').startsWith('http://127.0.0.1') || m.errorMessage.includes('end of messages'));
return Services.console.getMessageArray().filter(mine).map(m => m.errorMessage);
"""
"""What the browser says of our page: errors of scripts and styles, faults of MathML, what the policy blocked."""
PATIENCE = 100  # times 0.05 s


class Firefox:
    """One window."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.stream = self.socket.makefile("rb")
        self.numbers = itertools.count(1)
        self.heard = 0
        self._answer()
        self.command("WebDriver:NewSession", {})

    def close(self) -> None:
        """Let go of the socket."""
        self.stream.close()
        self.socket.close()

    def command(self, name: str, parameters: dict[str, Any]) -> Any:
        """The result of one command.  Raises RuntimeError with what Firefox says against it."""
        text = json.dumps([0, next(self.numbers), name, parameters]).encode()
        self.socket.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, result = self._answer()
        if error:
            raise RuntimeError(f"{name}: {error['message']}")
        return result["value"] if isinstance(result, dict) and result.keys() == {"value"} else result

    def _answer(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self.stream.read(1)
        return json.loads(self.stream.read(int(length[:-1])))

    def open(self, address: str) -> None:
        """Go there and wait for it."""
        self.command("WebDriver:Navigate", {"url": address})

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return self.command("WebDriver:ExecuteScript", {"script": f"return {expression}", "args": [], "sandbox": None})

    def press(self, key: str) -> None:
        """A key, down and up."""
        down_up = [{"type": kind, "value": KEYS[key]} for kind in ("keyDown", "keyUp")]
        self.command("WebDriver:PerformActions", {"actions": [{"type": "key", "id": "keys", "actions": down_up}]})

    def messages(self) -> list[str]:
        """What the console holds of the pages opened since this was last asked.

        Messages come late, in order; so one of our own is sent after them and waited for.
        """
        last = f"end of messages {self.heard}"
        self.evaluate(f"setTimeout(() => {{ throw new Error({json.dumps(last)}) }})")
        self.command("Marionette:SetContext", {"value": "chrome"})
        try:
            for _ in range(PATIENCE):
                said = list(self.command("WebDriver:ExecuteScript", {"script": CONSOLE, "args": []}))
                if any(last in message for message in said[self.heard :]):
                    break
                time.sleep(0.05)
            self.heard, heard = len(said), self.heard
            return [message for message in said[heard:] if last not in message]
        finally:
            self.command("Marionette:SetContext", {"value": "content"})


@contextmanager
def firefox() -> Iterator[Firefox]:
    """A Firefox without a window, in a profile of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items())
        (Path(profile) / "user.js").write_text("\n".join(lines), encoding="utf-8")
        flags = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile]
        running = subprocess.Popen([str(FIREFOX), *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with closing(Firefox(_port(Path(profile) / "MarionetteActivePort"))) as fox:
                yield fox
        finally:
            running.terminate()
            running.wait(30)


def _port(file: Path) -> int:
    for _ in range(600):
        if file.exists() and (text := file.read_text()).strip():
            return int(text)
        time.sleep(0.1)
    raise RuntimeError("firefox opened no port in a minute")


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """A folder over HTTP: its address, and the list in which every request is noted."""
    asked: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
