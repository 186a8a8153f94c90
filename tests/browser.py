"""Pages in Chromium, where there is one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next((p for name in ("chromium", "chromium-browser") if (p := shutil.which(name))), None)
needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here (Debian: apt-get install chromium)"
)


def browse(folder: Path, *options: str) -> str:
    """Run Chromium without a window and with nothing remembered; return what it prints."""
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-default-apps", "--disable-extensions", "--no-first-run")  # fmt: skip
    done = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", *quiet,
         f"--user-data-dir={folder / 'profile'}", *options],
        capture_output=True, timeout=120, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def asked_hosts(recorder: tuple[str, list[str]], folder: Path, page: str) -> set[str]:
    """Hosts that a page asks for, without those that the browser itself asks for."""
    address, hosts = recorder
    hosts.clear()
    (folder / "page.html").write_text(page, encoding="utf-8")
    browse(folder, f"--proxy-server={address}", "--proxy-bypass-list=<-loopback>",
           "--virtual-time-budget=3000", "--dump-dom", str(folder / "page.html"))  # fmt: skip
    own = ("google.com", "googleapis.com", "gvt1.com", "gstatic.com")
    return {host for host in hosts if not host.endswith(own)}
