"""PDF: whose text is whose, which font draws what, and what neither can draw."""

import re
import shutil
import subprocess
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.common import pdf
from survey.common.sfnt import FontError, code_points

PAGE = """#let data = json(bytes(sys.inputs.data))
#set document(title: data.title)
#set text(font: data.fonts, fallback: false)
#data.body
"""
SHIPPED = str(pdf.FONT_DIR / "MinyiSansSC-Regular.otf")


def fonts_in(document):
    """Names of the fonts that a PDF embeds: they stand in its object streams."""
    names = set(re.findall(rb"/BaseFont/[A-Z]{6}\+([A-Za-z0-9-]+)", document))
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.S):
        try:
            names |= set(re.findall(rb"/BaseFont/[A-Z]{6}\+([A-Za-z0-9-]+)", zlib.decompress(stream)))
        except zlib.error:
            continue
    return {name.decode().removesuffix("-Identity-H") for name in names}


def test_the_shipped_font_has_gb2312_and_big5_and_says_so_itself():
    points = code_points(SHIPPED)
    for encoding, sample in (("gb2312", range(0xB0A1, 0xF7FF)), ("big5", range(0xA440, 0xF9D6))):
        characters = set()
        for pair in sample:
            try:
                characters.add(ord(pair.to_bytes(2, "big").decode(encoding)))
            except (UnicodeDecodeError, TypeError):
                continue
        assert len(characters) > 6000
        assert characters - points <= {0xFA0C, 0xFA0D}  # two duplicates that Big5 carries by mistake
    assert set(range(0x20, 0x7F)) <= points
    assert 0x20000 not in points


def test_a_machine_without_chinese_fonts_prints_with_the_shipped_one():
    document = pdf.compile(PAGE, {"title": "信", "body": "槐荫区 ± 2.5 分"}, with_system_fonts=False)
    assert fonts_in(document) == {"MinyiSansSC-Regular"}
    assert pdf.families(with_system=False) == ["Minyi Sans SC"]


def test_the_shipped_font_comes_last_and_latin_takes_letters_only():
    fonts = pdf.font_list()
    assert fonts[-1] == "Minyi Sans SC"
    assert all(entry["covers"] == "latin-in-cjk" for entry in fonts if isinstance(entry, dict))


def test_what_no_font_draws_is_named_with_its_text():
    found = pdf.undrawable(["槐荫区营市街", "𠮷野家 2 号楼", "甲\U0003fff0乙\U0003fff0"], with_system=False)
    assert found == {"𠮷野家 2 号楼": "𠮷", "甲\U0003fff0乙\U0003fff0": "\U0003fff0"}
    assert pdf.undrawable(["一\u3000二\n三\u200b"], with_system=False) == {}


def test_what_is_called_drawable_is_drawn():
    # Every character of a sample is asked of Typst itself: a missing glyph would show as U+FFFD or nothing.
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext (poppler-utils) is not installed")
    sample = "".join(sorted(chr(p) for p in code_points(SHIPPED) if 0x4E00 <= p < 0x9FA6)[::40])
    document = pdf.compile(PAGE, {"title": "", "body": sample}, with_system_fonts=False)
    text = subprocess.run(["pdftotext", "-", "-"], input=document, capture_output=True, check=True).stdout
    assert set(sample) <= set(text.decode())


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_text_and_never_markup(text):
    body = f"#panic() $ * _ <a> \\ {text} #{{1+1}}"
    assert pdf.compile(PAGE, {"title": text, "body": body}).startswith(b"%PDF-")


def test_the_same_data_and_time_give_the_same_bytes():
    from datetime import UTC, datetime

    moment = datetime(2026, 11, 2, tzinfo=UTC)
    one, two = (pdf.compile(PAGE, {"title": "信", "body": "甲"}, timestamp=moment) for _ in range(2))
    assert one == two


def test_what_is_not_a_font_is_refused(tmp_path):
    file = tmp_path / "a.otf"
    file.write_bytes(b"OTTO")
    with pytest.raises(FontError):
        code_points(str(file))
