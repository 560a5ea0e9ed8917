"""QR codes on paper: eight on an A4 page to cut out, or one as a poster. Words and data in, PDF out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from django.utils import translation
from django.utils.translation import gettext as _

from survey.common import pdf
from survey.contacts.codes import shown
from survey.contacts.letter_page import Letter, qr_svg
from survey.studies.models import Round

TEMPLATE = Path(__file__).with_name("typst") / "sheet.typ"
PER_PAGE = (8, 1)


@dataclass(frozen=True)
class Cell:
    """One code. `qr` is the address that it holds; a household's is a secret: never log or store it."""

    study: str
    title: str
    lines: tuple[str, ...]
    qr: str
    under: str
    foot: str
    code_label: str = ""
    code: str = ""


def household_cells(round: Round, letters: Sequence[Letter], *, public_url: str, language: str) -> list[Cell]:
    """A household's own codes, to be handed out at the door or put into an envelope."""
    study = round.study
    with translation.override(language):
        return [
            Cell(
                study=str(round),
                title=_("扫码答题"),
                lines=(letter.place, letter.address),
                qr=f"{public_url}/s/{letter.qr}",
                under=_("微信扫一扫"),
                code_label=_("也可以打开 %(site)s 输入") % {"site": f"{public_url}/s/"},
                code=shown(letter.typed),
                foot=_("%(sponsor)s · 拨 %(phone)s 核实 · 编号 %(number)s · 只给您家用")
                % {"sponsor": study.sponsor, "phone": study.contact_phone, "number": letter.number},
            )
            for letter in letters
        ]


def strings_of(cells: Sequence[Cell]) -> list[str]:
    """Every text that will be printed, for `pdf.undrawable`."""
    return [
        text
        for cell in cells
        for text in (cell.study, cell.title, *cell.lines, cell.under, cell.foot, cell.code_label)
    ]


def render(round: Round, cells: Sequence[Cell], *, per_page: int = 8, language: str = "zh-hans") -> bytes:
    """The codes as one PDF, in the given order."""
    if per_page not in PER_PAGE:
        raise ValueError(f"per_page is one of {PER_PAGE}")
    traditional = language.lower().startswith("zh-hant")
    with translation.override(language):
        data = {
            "title": str(round),
            "sponsor": round.study.sponsor,
            "per_page": per_page,
            "qr_alt": _("二维码"),
            "simulated": round.is_simulated,
            "simulated_words": _("模拟数据，不是真的调查"),
            "lang": language.split("-")[0],
            "region": "TW" if traditional else "CN" if language.startswith("zh") else "US",
            "entries": [{**asdict(cell), "qr": qr_svg(cell.qr)} for cell in cells],
        }
    return pdf.compile(TEMPLATE, data, language=language)
