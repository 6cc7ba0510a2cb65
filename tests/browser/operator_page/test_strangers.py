"""Pages elsewhere can lead to the operators' page, and do nothing else with it."""

from playwright.async_api import expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.browser.operator_page.driven import OperatorPage
from tests.browser.watched import Watch
from tests.services.asgi_server import serving

ATTEMPTS = """async (base) => {
    const tried = {};
    const attempt = async (name, path, options) => {
        try {
            const answer = await fetch(base + path, { credentials: "include", ...options });
            tried[name] = `${answer.type} ${answer.status}`;
        } catch {
            tried[name] = "refused";
        }
    };
    await attempt("read", "/operator/users");
    await attempt("file", "/operator/page/main.js");
    await attempt("page", "/operator/");
    await attempt("write", "/operator/users/alice/unlock", {
        method: "POST", headers: { "x-csrf-token": "guessed" },
    });
    await attempt("blind write", "/operator/users/alice/unlock", {
        method: "POST", mode: "no-cors",
    });
    await attempt("session", "/operator/session", { method: "DELETE" });
    tried.script = await new Promise((resolve) => {
        const script = document.createElement("script");
        script.src = `${base}/operator/page/api/paths.js`;
        script.onload = () => resolve("ran");
        script.onerror = () => resolve("refused");
        document.body.append(script);
    });
    tried.frame = await new Promise((resolve) => {
        const frame = document.createElement("iframe");
        frame.src = `${base}/operator/`;
        frame.onload = () => resolve(frame.contentDocument === null ? "closed" : "open");
        document.body.append(frame);
    });
    return tried;
}"""


async def evil(_: object) -> HTMLResponse:
    """A page of somebody else."""
    return HTMLResponse('<!doctype html><html lang="en"><title>Evil</title><body>Evil')


async def test_a_page_elsewhere_can_only_lead_here(console: OperatorPage, watch: Watch):
    """Although the operator is signed in; the link opens the console, which is not its to steer."""
    watch.expect("CORS|403|Failed to load|favicon|404|frame|net::ERR")
    page = console.page
    await console.open("#/users")
    await console.sign_in()
    async with serving(Starlette(routes=[Route("/", evil)])) as address:
        elsewhere = await page.context.new_page()
        await elsewhere.goto(address.replace("127.0.0.1", "localhost"))
        tried = await elsewhere.evaluate(ATTEMPTS, console.operators.base_url)
        assert tried == {
            "read": "refused",
            "file": "refused",
            "page": "refused",
            "write": "refused",
            "blind write": "refused",
            "session": "refused",
            "script": "refused",
            "frame": "closed",
        }
        assert await console.operators.writes() == []
        refused = [each.fields for each in console.service.telemetry.named("operator_refused")]
        assert {each["problem"] for each in refused} == {"cross_site"}
        assert len(refused) >= 7
        await elsewhere.evaluate(
            """(address) => {
                const link = document.createElement("a");
                link.href = `${address}/operator/#/users/bob`;
                document.body.append(link);
                link.click();
            }""",
            console.operators.base_url,
        )
        await expect(elsewhere.locator("h1")).to_have_text("bob")
        assert await elsewhere.evaluate("window.opener") is None
    await page.reload()
    await console.see("alice")
