"""PDF through Typst. Text reaches a template as data only, never as markup.

A template is a .typ file. It reads its data with

    #let data = json(bytes(sys.inputs.data))
    #set text(font: data.fonts, fallback: false)

and pictures (QR codes, charts) arrive in the data as SVG text: `image(bytes(data.qr), format: "svg")`.

Fonts: the system's complete Chinese font first, then the subset that ships with Minyi (fonts/), so that a
machine without any Chinese font still prints. `undrawable` says beforehand which characters neither has.
"""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

from survey.common.sfnt import FontError, code_points

FONT_DIR = Path(__file__).with_name("fonts")
SHIPPED_FAMILY = "Minyi Sans SC"
# A separate Latin font, if the machine has it, takes Latin letters only: "covers" leaves dashes and
# quotation marks, which differ in width, to the Chinese font.
LATIN_FAMILIES = ("Source Sans 3", "Noto Sans")
SIMPLIFIED_FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "HarmonyOS Sans SC",
    "MiSans",
    "Microsoft YaHei",
)
TRADITIONAL_FAMILIES = (
    "Noto Sans CJK TC",
    "Noto Sans TC",
    "Source Han Sans TC",
    "PingFang TC",
    "Microsoft JhengHei",
)


@lru_cache(maxsize=2)
def _fonts(with_system: bool) -> typst.Fonts:
    """Every font that Typst may use. The first search of a process takes a second or two."""
    return typst.Fonts(
        include_system_fonts=with_system, include_embedded_fonts=True, font_paths=[str(FONT_DIR)]
    )


def families(language: str = "zh-hans", *, with_system: bool = True) -> list[str]:
    """The Chinese families that this machine has, in the order they are tried; the shipped one last."""
    wanted = SIMPLIFIED_FAMILIES
    if language.lower().startswith(("zh-hant", "zh-tw", "zh-hk")):
        wanted = TRADITIONAL_FAMILIES + SIMPLIFIED_FAMILIES
    have = set(_fonts(with_system).families())
    return [family for family in (*wanted, SHIPPED_FAMILY) if family in have]


def font_list(language: str = "zh-hans", *, with_system: bool = True) -> list[Any]:
    """What a template hands to `#set text(font: …)`: Latin first, for Latin letters only, then Chinese."""
    have = set(_fonts(with_system).families())
    latin = [{"name": name, "covers": "latin-in-cjk"} for name in LATIN_FAMILIES if name in have]
    return latin[:1] + families(language, with_system=with_system)


def compile(
    template: Path | str,
    data: Mapping[str, Any],
    *,
    language: str = "zh-hans",
    with_system_fonts: bool = True,
    timestamp: datetime | None = None,
) -> bytes:
    """Render a template to PDF.

    Parameters
    ----------
    template : path of a .typ file, or Typst source that the program itself wrote.
    data : anything JSON can hold; `fonts` is added. The only way in for other people's text.
    timestamp : the document's creation time; the same data and time give the same bytes.

    Raises
    ------
    typst.TypstError : the template is wrong or refused the data (`panic`, `assert`).
    """
    source = template if isinstance(template, Path) else template.encode()
    fonts = font_list(language, with_system=with_system_fonts)
    payload = json.dumps({**data, "fonts": fonts}, ensure_ascii=False, allow_nan=False)
    return typst.compile(
        source,
        root=str(template.parent) if isinstance(template, Path) else None,
        font_paths=_fonts(with_system_fonts),
        format="pdf",
        sys_inputs={"data": payload},
        timestamp=timestamp,
    )


@lru_cache(maxsize=8)
def _drawable(language: str, with_system: bool) -> frozenset[int]:
    wanted = set(families(language, with_system=with_system))
    points: set[int] = set()
    for font in _fonts(with_system).fonts():
        if font.family in wanted and font.path:
            try:
                points |= code_points(font.path, font.index)
            except FontError:
                continue  # Typst draws what it can; a character counts only if a readable font has it
    return frozenset(points)


def undrawable(
    texts: Iterable[str], *, language: str = "zh-hans", with_system: bool = True
) -> dict[str, str]:
    """Texts with characters that no available font draws: {text: those characters, in order, once each}.

    Ask before printing; white space, joiners and other invisible characters are not counted.
    """
    have = _drawable(language, with_system)
    found: dict[str, str] = {}
    for text in texts:
        missing = dict.fromkeys(
            c
            for c in text
            if ord(c) not in have and not c.isspace() and unicodedata.category(c) not in ("Cc", "Cf", "Mn")
        )
        if missing:
            found[text] = "".join(missing)
    return found
