"""Plots: well-formed, safe, and true to their figures."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suwen.pages.charts import WIDTH, Bar, Series, bar_chart, heat_map, line_chart

NAMES = st.text(st.characters(codec="utf-8"), max_size=12)
VALUES = st.one_of(st.none(), st.floats(0, 100))


def rectangles(svg: str) -> list[float]:
    """The widths of the bars (those with rounded corners of 1.5)."""
    return [float(width) for width in re.findall(r'width="([\d.]+)" height="10" rx="1.5"', svg)]


@given(st.lists(st.tuples(NAMES, VALUES, VALUES), max_size=6))
def test_reproduction_charts_draw_bars_of_anything(rows: list) -> None:
    svg = bar_chart(
        "<x>", [("a & b", "#111"), ("c", "#222")], [(name, [Bar(one, 2.0), Bar(two)]) for name, one, two in rows]
    )
    ElementTree.fromstring(svg)
    assert len(rectangles(svg)) == sum(value is not None for row in rows for value in row[1:])
    assert all(width <= WIDTH for width in rectangles(svg))


def test_reproduction_charts_draw_bars_to_scale() -> None:
    svg = bar_chart("bars", [("a", "#111"), ("b", "#222")], [("row", [Bar(80.0), Bar(40.0, 1.25)])])
    first, second = rectangles(svg)
    assert first == pytest.approx(2 * second, abs=0.1)
    assert ">80.0<" in svg
    assert ">40.0 ± 1.2<" in svg


@given(st.lists(st.tuples(NAMES, st.lists(st.tuples(st.floats(0, 20), st.floats(0, 100)), max_size=5)), max_size=4))
def test_reproduction_charts_draw_lines_of_anything(series: list) -> None:
    svg = line_chart("lines", [Series(name, points) for name, points in series], "epoch", "F1")
    ElementTree.fromstring(svg)
    assert svg.count("<polyline") == sum(bool(points) for _, points in series)
    for x, y in re.findall(r'<circle cx="([\d.-]+)" cy="([\d.-]+)"', svg):
        assert -0.1 <= float(x) <= WIDTH
        assert float(y) >= 0


def test_reproduction_charts_write_ticks_below_lines() -> None:
    svg = line_chart("lines", [Series("a", [(0.0, 50.0), (3.0, 60.0)])], "share", "F1", [(0, "1 %"), (5, "100 %")])
    first, last = (float(re.search(rf'x="([\d.]+)"[^>]*>{name}<', svg)[1]) for name in ("1 %", "100 %"))
    circles = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', svg)]
    assert circles[0] == pytest.approx(first, abs=0.1)
    assert circles[1] - first == pytest.approx(0.6 * (last - first), abs=0.2)
    assert ">2<" not in svg


def test_reproduction_charts_draw_heat() -> None:
    names = [("病", "disease"), ("药", "drug"), ("无", "none")]
    svg = heat_map("heat", names, [[9, 1, 0], [0, 0, 0], [2, 2, 0]], "gold", "predicted")
    ElementTree.fromstring(svg)
    assert "病 disease → 药 drug: 1" in svg
    assert re.findall(r'font-size="8">(\d+)<', svg) == ["90", "10", "50", "50"]
