"""Pages that are watched: what the browser complains of fails the test."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Page

AXE = Path(__file__).parents[1] / "interop" / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
UNSERVED = re.compile("ERR_CONNECTION|ERR_SOCKET|ERR_EMPTY_RESPONSE|WebSocket connection to")
VIOLATIONS = """
    addEventListener("securitypolicyviolation", (event) => {
        console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
    });
"""


@dataclass
class Watch:
    """What the browser complained of, in all pages of one test."""

    complaints: list[str] = field(default_factory=list)
    expected: list[re.Pattern[str]] = field(default_factory=list)
    served: bool = True
    """False from the end of the first service on: pages that outlive it say so, and late."""

    def expect(self, pattern: str) -> None:
        """Let complaints pass that the test provokes: a refused request, a lost connection."""
        self.expected.append(re.compile(pattern))

    async def attend(self, context: BrowserContext) -> None:
        """Listen to every page of a context, from its beginning."""
        await context.add_init_script(VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))

    def unexpected(self) -> list[str]:
        """Every complaint that no test asked for."""
        return [
            each
            for each in self.complaints
            if not any(pattern.search(each) for pattern in self.expected)
        ]

    def _console(self, message: ConsoleMessage) -> None:
        missed = not self.served and UNSERVED.search(message.text)
        if message.type in {"error", "warning"} and not missed:
            self.complaints.append(f"{message.text} ({message.location['url']})")


async def accessibility_violations(page: Page, *rules: str) -> list[str]:
    """What axe-core finds in the page as it stands (WCAG 2.2 AA and best practice).

    With ``rules`` only these are looked at: ``color-contrast`` for another look of the same page.
    """
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE.read_text("utf-8"))
    chosen = ("rule", list(rules)) if rules else ("tag", STANDARDS)
    options: dict[str, Any] = {"runOnly": dict(zip(("type", "values"), chosen, strict=True))}
    found = await page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{each['id']}: {each['help']}: {node['html'][:200]}: {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
