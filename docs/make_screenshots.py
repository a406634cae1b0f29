"""Take the README's screenshots from a running workbench: ``python docs/make_screenshots.py URL USER PASSWORD FOLDER``.

Needs ``playwright`` (the ``dev`` extra) and Debian's ``chromium``. One PNG for each tab, in light and in dark.
"""

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

TABS = ("footage", "label", "datasets", "tune", "runs", "review", "drift")
SETTLE_MS = 1000
"""For the images; the text is waited for."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("url", "user", "password"):
        parser.add_argument(name)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--width", type=int, default=1440, help="width of the page in pixels")
    parser.add_argument("--site", default="", help="site to show; the first one if left out")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            take(browser, given, scheme)
        browser.close()


def take(browser: Browser, given: argparse.Namespace, scheme: str) -> None:
    """Sign in and photograph every tab in one colour scheme."""
    page = browser.new_page(viewport={"width": given.width, "height": 900}, color_scheme=scheme)
    page.goto(given.url)
    page.get_by_label("Name").fill(given.user)
    page.get_by_label("Password").fill(given.password)
    page.get_by_role("button", name="Sign in").click()
    for tab in TABS:
        page.goto(f"{given.url}/?tab={tab}&site={given.site}")
        page.get_by_role("heading", name=tab.title(), exact=True, level=2).wait_for()
        expect(page.locator(".wb-loading:visible")).to_have_count(0)
        page.wait_for_timeout(SETTLE_MS)
        page.screenshot(path=given.folder / f"{tab}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    main()
