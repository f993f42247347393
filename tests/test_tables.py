"""Tables as MyST: data is shown as text, citations and marks are live."""

import pandas as pd
import pytest

import evidence as ev
from evidence.tables import escape


@pytest.mark.parametrize("value", [
    "<script>alert(1)</script>", "**bold**", "[link](http://x)", "{cite}`a`", "a | b", "$x^2$", "`code`", "~~gone~~", "# not a heading",
    "[^1]", "{{ substitution }}", "a\\b", "&amp;", "![picture](x.png)"])
def test_markup_in_data_is_text(value):
    """Read back by the parser that builds the book."""
    from docutils.core import publish_doctree
    from myst_parser.docutils_ import Parser

    table = ev.Table(pd.DataFrame({"Title": [value]}), "Caption", "tab-x").markdown().split("\n\n", 1)[1].removesuffix("\n:::")
    tree = publish_doctree(table, parser=Parser(), settings_overrides={"myst_enable_extensions": ["dollarmath", "attrs_inline"]})
    assert tree.findall().__next__().astext().split("\n\n")[-1] == value


def test_a_missing_value_is_a_dash():
    assert [escape(v) for v in (None, pd.NA, float("nan"), "")] == ["–"] * 4


def test_citations_and_marks_stay_live():
    assert ev.cite(["a2001", "b2002"], textual=False) == "{cite:p}`a2001,b2002`"
    assert ev.cite("a2001") == "{cite:t}`a2001`"
    assert ev.mark(["T1-01", "T1-02"]) == "{finding}`T1-01` {finding}`T1-02`"
    assert escape(ev.mark("T1-01")) == "{finding}`T1-01`"


def test_numbers_stand_right_and_the_caption_is_numbered():
    text = ev.Table(pd.DataFrame({"Who": ["a"], "n": [3]}), "How many", "tab-n").markdown()
    assert text.startswith(":::{table} How many\n:name: tab-n\n\n") and "| :--- | ---: |" in text and text.endswith("\n:::")


def test_every_finding_is_counted_once_a_code_in_the_table_of_firmness():
    data = ev.load()
    table = ev.firmness(data, "theme1", "tab-x").frame
    n = (data.findings.section == "theme1").sum()
    assert table.Findings.sum() == 4 * n and (table.Findings > 0).all()
    assert (table[["Strain", "Mixed", "Alignment", "Neutral"]].sum(axis=1) == table.Findings).all()
    assert table.set_index("Kind of finding").loc["About another country", "Strain"] == ((data.findings.section == "theme1") & (
        data.findings.scope == "abroad") & (data.findings.direction == "strain")).sum()
