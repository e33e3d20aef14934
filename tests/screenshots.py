"""Pictures of a Zabbix frontend in headless Chromium, signed in as a user, once all widgets have loaded."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def picture_of(
    frontend: str,
    path: str,
    target: Path,
    *,
    login: tuple[str, str] = ("Admin", "zabbix"),
    size: tuple[int, int] = (1920, 1080),
) -> list[str]:
    """Save a PNG of `frontend`/`path` to `target`; returns what the browser's console complained of."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.on("requestfailed", lambda asked: complaints.append(f"{asked.url}: {asked.failure}"))
            page.goto(f"{frontend}index.php")
            page.fill("input[name=name]", login[0])
            page.fill("input[name=password]", login[1])
            page.click("button[name=enter]")
            page.wait_for_load_state("networkidle")
            complaints.clear()  # of the page that Zabbix opens after the sign-in, whose map wants the internet
            page.goto(f"{frontend}{path}")
            _wait_for_widgets(page)
            target.parent.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=str(target))
        finally:
            browser.close()
    return complaints


def _wait_for_widgets(page: Page) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_function("document.querySelectorAll('.is-loading').length == 0", timeout=30_000)
