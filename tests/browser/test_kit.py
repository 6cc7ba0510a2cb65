"""The watch over pages: what it must not let pass."""

from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browser.conftest import PageOpener
from tests.browser.watched import Watch, accessibility_violations
from tests.services.asgi_server import serving

BAD_PAGE = """<!doctype html><html lang="en"><title>Bad</title><h1>Bad</h1>
<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">
<script nonce="n">console.error("broken"); setTimeout(() => { throw new Error("thrown"); })</script>
<script>document.title = "ran"</script>"""
POLICY = {"content-security-policy": "default-src 'none'; img-src data:; script-src 'nonce-n'"}


async def bad_page(_: object) -> HTMLResponse:
    """A page with an error of each kind."""
    return HTMLResponse(BAD_PAGE, headers=POLICY)


async def test_nothing_that_a_browser_complains_of_goes_unnoticed(
    open_page: PageOpener, watch: Watch
):
    """What a page logs and throws, what its policy stops, and what it keeps from the blind."""
    async with serving(Starlette(routes=[Route("/", bad_page)])) as address:
        page = await open_page(address)
        await page.wait_for_function("document.readyState == 'complete'")
        assert await page.title() == "Bad"
        violations = await accessibility_violations(page)
        assert any(each.startswith("image-alt: ") for each in violations)
        told = "\n".join(watch.unexpected())
    for complaint in ("broken", "uncaught: ", "CSP: script-src"):
        assert complaint in told
        watch.expect(complaint)
    watch.expect("Content Security Policy|favicon|404")
