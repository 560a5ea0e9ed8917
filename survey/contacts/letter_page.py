"""What a letter says, and its page: words and data in, PDF out. Reads no table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import segno
import typst
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from survey.common import pdf
from survey.common.errors import Problem
from survey.contacts.codes import shown
from survey.studies.models import Round

PROOF_PATH = "/draws/my-line"  # where survey/sampling shows a household its line
TEMPLATE = Path(__file__).with_name("typst") / "letter.typ"


@dataclass(frozen=True)
class Letter:
    """One household's part of the page. `qr` and `typed` are codes in the clear: never log or store it.

    `proof`: the two lines that prove its place in the frame; None for frames that have none.
    """

    number: str
    place: str
    address: str
    qr: str = ""
    typed: str = ""
    proof: tuple[str, str] | None = None


def qr_svg(address: str) -> str:
    """A QR code as SVG, error correction M (15 %), with the quiet zone of ISO/IEC 18004 (4 modules)."""
    code = segno.make(address, error="m", micro=False)
    return code.svg_inline(border=4, dark="#162224", light="#ffffff", omitsize=True)


def texts_of(round: Round) -> dict[str, Any]:
    """Everything on the page that is the same for each household of the round, in the active language."""
    study = round.study
    phone = study.contact_phone
    whom = _(
        "从今天往后数，您家年满 %(age)s 岁的人里，谁最先过生日，就请谁答。按身份证上的日期算。"
        "这样选人，是为了让每位家人的机会都一样。"
    )
    who = _("%(sponsor)s。拨 %(phone)s 可以核实真假。")
    confidential = _("您的回答保密：不问姓名，不问证件号，只公布汇总数字，街道和社区看不到您个人的回答。")
    voluntary = _("可以不参加，也可以跳过任何一题。不想再收到信，请拨 %(phone)s。")
    parts = [
        (_("请谁答"), whom % {"age": study.min_age}),
        (_("谁在问"), who % {"sponsor": study.sponsor, "phone": phone}),
        (_("为什么"), study.purpose),
        (_("保密"), confidential),
        (_("自愿"), voluntary % {"phone": phone}),
    ]
    if round.closes_on:
        day = date_format(round.closes_on, "Y 年 n 月 j 日")
        parts.append((_("到哪天"), _("请在 %(day)s 前答完。") % {"day": day}))
    return {
        "texts": {
            "study": str(round),
            "title": _("想听听您的看法"),
            "to_household": _("住户 收"),
            "lead": _("您家的门牌是随机抽中的。您家这一份回答，也替没抽到的邻居说了话。"),
            "how": _("怎么答"),
            "scan": _("用微信“扫一扫”，扫右边的二维码。"),
            "or_type": _("不用微信的，请在手机或电脑的浏览器里打开"),
            "code": _("再输入您家的码"),
            "qr_alt": _("您家的二维码"),
            "keep": _("码只给您家用，请别拍照转发。重寄的信换了新码，旧码就不能用了。"),
            "number": _("编号 "),
            "proof_title": _("名录凭证"),
            "proof": _(
                "凭这两行码和上面的门牌，可以核对：您家确实在抽样名单里，没有被换过。不想核对就不用管它。"
            ),
            "simulated": _("模拟数据，不是真的信"),
        },
        "parts": parts,
        "form": form_header(round),
        "sponsor": study.sponsor,
        "simulated": round.is_simulated,
    }


def form_header(round: Round) -> list[tuple[str, str]]:
    """表号, approving body, approval number and validity, as lawful forms carry them; empty without them."""
    study = round.study
    until = study.approval_valid_until
    pairs = [
        (_("表号："), study.form_number),
        (_("制定机关："), study.approving_body),
        (_("批准文号："), study.approval_number),
        (_("有效期至："), date_format(until, "Y 年 n 月") if until else ""),
    ]
    return [(label, value) for label, value in pairs if value]


def strings_of(round: Round, letters: Sequence[Letter], *, language: str) -> list[str]:
    """Every text that the letters will print, for `pdf.undrawable`."""
    with translation.override(language):
        common = texts_of(round)
    found = [*common["texts"].values(), common["sponsor"]]
    found += [text for pair in [*common["parts"], *common["form"]] for text in pair]
    for letter in letters:
        found += [letter.number, letter.place, letter.address]
    return found


def render(round: Round, letters: Sequence[Letter], *, public_url: str, language: str = "zh-hans") -> bytes:
    """The letters as one PDF, a page each, in the given order.

    Raises
    ------
    Problem common.invalid : a letter does not fit its page, e.g. because the purpose is too long.
    """
    with translation.override(language):
        common = texts_of(round)
    traditional = language.lower().startswith("zh-hant")
    data = {
        **common,
        "lang": language.split("-")[0],
        "region": "TW" if traditional else "CN" if language.startswith("zh") else "US",
        "site": f"{public_url}/s/",
        "proof_site": f"{public_url}{PROOF_PATH}",
        "letters": [
            {
                "number": letter.number,
                "place": letter.place,
                "address": letter.address,
                "typed": shown(letter.typed),
                "qr": qr_svg(f"{public_url}/s/{letter.qr}"),
                "proof": letter.proof,
            }
            for letter in letters
        ],
    }
    try:
        return pdf.compile(TEMPLATE, data, language=language)
    except typst.TypstError as error:
        if "letter-too-long" not in str(error):
            raise
        reason = _("信的内容一页放不下，请把调查的目的或主办单位写短一些")
        raise Problem("common.invalid", reason=reason) from None
