from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from suwen.formats.articles.formulas import add_formula, add_tex
from suwen.formats.articles.markup import RunningText


def written(formula: str) -> str:
    text = RunningText()
    add_formula(etree.fromstring(formula), text)
    return str(text)


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("<mn>5</mn><mo>×</mo><msup><mn>10</mn><mn>9</mn></msup><mo>/</mo><mi>L</mi>", "5×10⁹/L"),
        ("<msup><mi>weight</mi><mn>2</mn></msup>", "weight²"),
        ("<msub><mi>CO</mi><mn>2</mn></msub>", "CO2"),
        ("<msubsup><mi>SO</mi><mn>4</mn><mrow><mn>2</mn><mo>-</mo></mrow></msubsup>", "SO4²⁻"),
        ("<mfrac><mi>mg</mi><mi>kg</mi></mfrac>", "mg/kg"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mn>2</mn></mfrac>", "(a+b)/2"),
        ("<msqrt><mi>n</mi></msqrt>", "√n"),
        ("<mroot><mi>n</mi><mn>3</mn></mroot>", "³√n"),
        ("<mover><mi>x</mi><mo>¯</mo></mover><mo>±</mo><mi>s</mi>", "x\u0304±s"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", "(a,b)"),
        ("<mmultiscripts><mi>I</mi><mprescripts/><none/><mn>131</mn></mmultiscripts>", "¹³¹I"),
        ("<semantics><mi>P</mi><annotation>P</annotation></semantics>", "P"),
        ("<mi>a</mi><mo>\u2062</mo><mi>b</mi>\n <mi>c</mi>", "abc"),
        ("<mtable><mtr><mtd><mn>1</mn></mtd><mtd><mn>2</mn></mtd></mtr></mtable>", "1 2"),
        ("<munder><mi>lim</mi><mi>n</mi></munder>", "limn"),
    ],
)
def test_formulas_writes_mathml_on_a_line(formula: str, expected: str) -> None:
    assert written(f"<math>{formula}</math>") == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("<sSup><e><r><t>10</t></r></e><sup><r><t>9</t></r></sup></sSup>", "10⁹"),
        ("<sSub><sSubPr/><e><r><t>PaO</t></r></e><sub><r><t>2</t></r></sub></sSub>", "PaO2"),
        ("<f><num><r><t>a+b</t></r></num><den><r><t>2</t></r></den></f>", "(a+b)/2"),
        ("<rad><deg/><e><r><t>n</t></r></e></rad>", "√n"),
        ("<acc><accPr><chr val='¯'/></accPr><e><r><t>x</t></r></e></acc>", "x\u0304"),
        ("<bar><e><r><t>x</t></r></e></bar>", "x\u0304"),
        ("<d><dPr><begChr val='['/><endChr val=']'/></dPr><e><r><t>a</t></r></e><e><r><t>b</t></r></e></d>", "[a|b]"),
        ("<nary><naryPr><chr val='∑'/></naryPr><sub><r><t>i</t></r></sub><sup/><e><r><t>x</t></r></e></nary>", "∑ix"),
        ("<sPre><sub/><sup><r><t>131</t></r></sup><e><r><t>I</t></r></e></sPre>", "¹³¹I"),
    ],
)
def test_formulas_writes_omml_on_a_line(formula: str, expected: str) -> None:
    assert written(f"<oMath>{formula}</oMath>") == expected


def test_formulas_passes_over_what_it_is_told_to() -> None:
    text = RunningText()
    add_formula(
        etree.fromstring("<oMath><r><t>a</t></r><del><r><t>b</t></r></del></oMath>"), text, lambda e: e.tag == "del"
    )
    assert str(text) == "a"


def test_formulas_survives_deep_nesting() -> None:
    assert written(f"<math>{'<msup>' * 200}<mi>x</mi>{'</msup>' * 200}</math>") == "x"


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"$P<0.05$", "P<0.05"),
        (r"\(P\le 0.05\)", "P≤0.05"),
        (r"\documentclass{minimal}\begin{document}$$\alpha\mathrm{-blocker}$$\end{document}", "α-blocker"),
        (r"10^{9}/\text{L}", "10⁹/L"),
        (r"x^2", "x²"),
        (r"\mathrm{CO}_2", "CO2"),
        (r"\frac{a+b}{2}", "(a+b)/2"),
        (r"\sqrt{n}", "√n"),
        (r"\bar{x} \pm s", "x\u0304±s"),
        (r"5\%", "5%"),
        (r"5\,\mu\mathrm{g}", "5 μg"),
    ],
)
def test_formulas_writes_tex_on_a_line(formula: str, expected: str) -> None:
    text = RunningText()
    assert add_tex(formula, text)
    assert str(text) == expected


@pytest.mark.parametrize(
    "formula", [r"\begin{array}x\end{array}", r"\nosuchcommand", r"\frac{a}", "x" * 20_000, "{" * 999 + "^" * 5000]
)
def test_formulas_reports_that_it_cannot_read_tex(formula: str) -> None:
    text = RunningText()
    add_tex(formula, text) and pytest.fail(str(text))
    assert str(text) == ""


@settings(deadline=None)
@given(st.text(r"\{}^_$ab1+ []frcsqtox", max_size=30))
def test_formulas_reads_or_refuses_any_tex(formula: str) -> None:
    add_tex(formula, RunningText())
