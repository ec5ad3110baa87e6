"""Plots as SVG, drawn by hand: so few forms need no library, and text stays text in the reader's own fonts.

Each is as wide as a phone, is alone as a file and inside a page, and follows a dark color scheme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from suwen.pages.page import attribute, marked_up

__all__ = ["WIDTH", "Bar", "Series", "bar_chart", "heat_map", "line_chart"]

WIDTH = 380
"""Width of every plot, in pixels at its natural size."""

STYLE = """<style>
.sv{font:11px/1.2 system-ui,-apple-system,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif}
.sv text{fill:#1d2126}.sv .q{fill:#5d646d;font-size:10px}.sv .g{stroke:#dededa;stroke-width:1}
.sv .e{stroke:#1d2126;stroke-width:1}.sv .l{fill:none;stroke-width:1.8;stroke-linejoin:round}
@media(prefers-color-scheme:dark){
.sv text{fill:#dcdfe3}.sv .q{fill:#9aa2ab}.sv .g{stroke:#34383e}.sv .e{stroke:#dcdfe3}}
@media print{.sv text{fill:#000}.sv .q{fill:#444}.sv .g{stroke:#bbb}.sv .e{stroke:#000}}
</style>"""

COLORS = (
    "#2f6fc4", "#d9822b", "#2f9a57", "#b5429a", "#7a5cc7", "#c0392b", "#17939b", "#8a6d1f", "#5d7f2a", "#6b7480",
)  # fmt: skip
BAR, GAP, TEXT = 10, 3, 14


@dataclass(frozen=True, slots=True)
class Bar:
    """A value in [0, 100] with its deviation; None if there is no value."""

    value: float | None
    deviation: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a line chart: its name and its points."""

    name: str
    points: Sequence[tuple[float, float]]


def bar_chart(title: str, series: Sequence[tuple[str, str]], rows: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Draw horizontal bars from 0 to 100, several to a row, each with its figure.

    Parameters
    ----------
    series
        The name and the color of each bar of a row.
    rows
        The name of each row, and its bars; those without a value take no room.
    """
    legend, top = _legend(series, 4)
    scale = (WIDTH - 66) / 100
    parts = [legend]
    y = top + 4
    height = y + sum(TEXT + sum(bar.value is not None for bar in bars) * (BAR + GAP) + 7 for _, bars in rows) + 14
    for mark in (0, 25, 50, 75, 100):
        x = mark * scale
        parts.append(f'<line class="g" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{height - 13}"/>')
        anchor = "start" if mark == 0 else "middle"
        parts.append(f'<text class="q" x="{x:.1f}" y="{height - 2}" text-anchor="{anchor}">{mark}</text>')
    for name, bars in rows:
        y += TEXT
        parts.append(f'<text x="0" y="{y - 3}">{marked_up(name)}</text>')
        for bar, (_, color) in zip(bars, series, strict=True):
            if bar.value is not None:
                parts += _bar(bar, bar.value, color, y, scale)
                y += BAR + GAP
        y += 7
    return _svg(title, height, parts)


def _bar(bar: Bar, value: float, color: str, y: float, scale: float) -> list[str]:
    middle = y + BAR / 2
    parts = [f'<rect x="0" y="{y}" width="{value * scale:.1f}" height="{BAR}" rx="1.5" fill="{color}"/>']
    shown = f"{value:.1f}"
    if bar.deviation is not None:
        low, high = (max(0.0, value + sign * bar.deviation) * scale for sign in (-1, 1))
        parts.append(f'<line class="e" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>')
        shown += f" ± {bar.deviation:.1f}"
    x = (value + (bar.deviation or 0)) * scale + 4
    parts.append(f'<text class="q" x="{x:.1f}" y="{y + BAR - 1.5}">{shown}</text>')
    return parts


def line_chart(
    title: str,
    series: Sequence[Series],
    x_name: str,
    y_name: str,
    ticks: Sequence[tuple[float, str]] = (),
) -> str:
    """Draw lines over a common axis, a legend above; the vertical axis holds what the lines need.

    Parameters
    ----------
    ticks
        What is written where below the horizontal axis, which holds them all; by default the whole numbers.
    """
    shown = [one for one in series if one.points]
    legend, top = _legend([(one.name, COLORS[i % len(COLORS)]) for i, one in enumerate(shown)], 4)
    if not shown:
        return _svg(title, top + 10, [legend])
    left, bottom, tall = 30, 30, 210
    xs = [*(x for one in shown for x, _ in one.points), *(x for x, _ in ticks)]
    ys = [y for one in shown for _, y in one.points]
    step = _step(max(ys) - min(ys))
    low, high = floor(min(ys) / step) * step, ceil(max(ys) / step) * step
    high = high if high > low else low + step
    across = (WIDTH - left - 8) / ((max(xs) - min(xs)) or 1)
    base = top + tall

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (x - min(xs)) * across, base - (y - low) / (high - low) * (tall - 10)

    parts = [legend]
    for index in range(round((high - low) / step) + 1):
        value = low + index * step
        _, y = place(min(xs), value)
        parts.append(f'<line class="g" x1="{left}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="q" x="{left - 4}" y="{y + 3.5:.1f}" text-anchor="end">{value:g}</text>')
    whole = sorted({min(xs), *range(ceil(min(xs)), floor(max(xs)) + 1)})
    for value, name in ticks or [(one, f"{one:g}") for one in whole]:
        x, _ = place(value, low)
        anchor = "end" if ticks and value == max(xs) else "middle"
        parts.append(f'<text class="q" x="{x:.1f}" y="{base + 13}" text-anchor="{anchor}">{marked_up(name)}</text>')
    parts.append(f'<text class="q" x="{WIDTH}" y="{base + 26}" text-anchor="end">{marked_up(x_name)}</text>')
    parts.append(f'<text class="q" x="0" y="{base + 26}">{marked_up(y_name)}</text>')
    for index, one in enumerate(shown):
        color = COLORS[index % len(COLORS)]
        places = [place(x, y) for x, y in one.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline class="l" stroke="{color}" points="{path}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{color}"/>' for x, y in places]
    return _svg(title, base + bottom, parts)


def heat_map(
    title: str, names: Sequence[tuple[str, str]], counts: Sequence[Sequence[int]], row_name: str, column_name: str
) -> str:
    """Draw counts as shades of a row's total.

    Parameters
    ----------
    names
        Of rows and of columns alike, in Chinese and English: rows have both, columns the shorter Chinese one.
    """
    left, top = 106, 78
    cell = (WIDTH - left) / len(names)
    parts = [
        f'<text class="q" x="0" y="{top - 6}">{marked_up(row_name)}</text>',
        f'<text class="q" x="{WIDTH}" y="10" text-anchor="end">{marked_up(column_name)}</text>',
    ]
    for index, (name, _) in enumerate(names):
        x = left + (index + 0.5) * cell
        turned = f'transform="rotate(-60 {x:.1f} {top - 5})"'
        parts.append(f'<text class="q" x="{x:.1f}" y="{top - 5}" {turned}>{marked_up(name)}</text>')
    for row, ((name, english), values) in enumerate(zip(names, counts, strict=True)):
        y = top + row * cell
        both = marked_up(f"{english} {name}")
        parts.append(f'<text class="q" x="{left - 4}" y="{y + cell * 0.7:.1f}" text-anchor="end">{both}</text>')
        total = sum(values) or 1
        for column, value in enumerate(values):
            share = value / total
            color = "#2f9a57" if row == column else "#d9822b"
            x = left + column * cell
            hint = f"{name} {english} → {' '.join(names[column])}: {value}"
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{cell - 1:.1f}" height="{cell - 1:.1f}" fill="{color}" '
                f'fill-opacity="{0.05 + 0.95 * share:.2f}"><title>{marked_up(hint)}</title></rect>'
            )
            if round(100 * share) >= 1:
                middle = f'x="{x + cell / 2 - 0.5:.1f}" y="{y + cell * 0.66:.1f}" text-anchor="middle"'
                parts.append(f'<text {middle} font-size="8">{100 * share:.0f}</text>')
    return _svg(title, top + len(names) * cell + 4, parts)


def _legend(series: Sequence[tuple[str, str]], y: float) -> tuple[str, float]:
    """Draw swatches with names, as many to a line as fit, and return where they end."""
    parts = []
    x = 0.0
    y += 9
    for name, color in series:
        width = 16 + sum(11.5 if ord(one) > 0x2E80 else 8 if one.isupper() else 6.3 for one in name)
        if x and x + width > WIDTH:
            x, y = 0, y + 15
        parts.append(f'<rect x="{x:.1f}" y="{y - 9}" width="10" height="10" rx="2" fill="{color}"/>')
        parts.append(f'<text x="{x + 14:.1f}" y="{y}">{marked_up(name)}</text>')
        x += width + 10
    return "".join(parts), y + 8


def _step(extent: float) -> float:
    """Return a round distance between grid lines, of which about five fit."""
    for step in (0.5, 1, 2, 5, 10, 20):
        if extent / step <= 6:
            return step
    return 25


def _svg(title: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="sv" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img" aria-label="{attribute(title)}"><title>{marked_up(title)}</title>{STYLE}'
        f"{''.join(parts)}</svg>\n"
    )
