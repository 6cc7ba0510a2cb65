"""A line chart as SVG: two axes with powers of ten, a few lines, legible on light and on dark."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

__all__ = ["IMAGES", "Chart", "Line"]

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
_WIDTH, _HEIGHT = 640, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 170, 34, 46
# Each has a contrast of 3 and more on white and on what pages are when they are dark.
_COLOURS: Final = ("#3b82f6", "#d97706", "#16a34a", "#db2777")
_STYLE: Final = (
    "text{font:12px sans-serif;fill:#57606a}.t{font-weight:bold}"
    ".g{stroke:#8b949e;stroke-opacity:.35}"
    "@media(prefers-color-scheme:dark){text{fill:#adbac7}}"
)


@dataclass(frozen=True)
class Line:
    """A name, and points from left to right; all numbers are positive."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Chart:
    """Both axes are logarithmic; ``x`` and ``y`` say what they count."""

    title: str
    x: str
    y: str
    lines: Sequence[Line]

    def write(self, name: str, directory: Path = IMAGES) -> None:
        """As a file that pages embed."""
        (directory / f"{name}.svg").write_text(self.svg(), "utf-8")

    def svg(self) -> str:
        """The picture."""
        points = [point for line in self.lines for point in line.points]
        across = _Axis.of([point[0] for point in points], _LEFT, _WIDTH - _RIGHT)
        up = _Axis.of([point[1] for point in points], _HEIGHT - _BOTTOM, _TOP)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
            f"<title>{escape(self.title)}</title><style>{_STYLE}</style>",
            _text(_LEFT, 20, self.title, "t"),
            _text(_LEFT, _HEIGHT - 10, f"{self.x}; upwards: {self.y}"),
            *_grid(across, up),
        ]
        for number, line in enumerate(self.lines):
            parts.extend(_drawn(line, number, across, up))
        return "\n".join([*parts, "</svg>", ""])


@dataclass(frozen=True)
class _Axis:
    low: int
    high: int
    first: float
    last: float

    @classmethod
    def of(cls, values: Sequence[float], first: float, last: float) -> "_Axis":
        low = math.floor(math.log10(min(values)))
        return cls(low, max(math.ceil(math.log10(max(values))), low + 1), first, last)

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(self.first + share * (self.last - self.first), 1)

    def marks(self) -> Iterator[tuple[float, str]]:
        for power in range(self.low, self.high + 1):
            yield self.at(10.0**power), f"{10.0**power:,g}" if power < 0 else f"{10**power:,}"


def _grid(across: _Axis, up: _Axis) -> Iterator[str]:
    for at, text in up.marks():
        yield f'<path class="g" d="M{_LEFT} {at}H{_WIDTH - _RIGHT}"/>'
        yield _text(_LEFT - 6, at + 4, text, anchor="end")
    for at, text in across.marks():
        yield f'<path class="g" d="M{at} {_TOP}V{_HEIGHT - _BOTTOM}"/>'
        yield _text(at, _HEIGHT - _BOTTOM + 16, text, anchor="middle")


def _drawn(line: Line, number: int, across: _Axis, up: _Axis) -> Iterator[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    places = [(across.at(x), up.at(y)) for x, y in line.points]
    path = "L".join(f"{x} {y}" for x, y in places)
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in places:
        yield f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>'
    height = _TOP + 14 + 20 * number
    at = _WIDTH - _RIGHT + 14
    yield f'<path d="M{at} {height - 4}h16" stroke="{colour}" stroke-width="3"/>'
    yield _text(at + 22, height, line.name)


def _text(x: float, y: float, text: str, name: str = "", anchor: str = "start") -> str:
    kind = f' class="{name}"' if name else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{kind}>{escape(text)}</text>'
