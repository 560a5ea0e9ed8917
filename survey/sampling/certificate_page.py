"""A draw's certificate on one sheet of paper: words and data in, PDF out. All of it is public already."""

from pathlib import Path
from typing import Any

import segno
import typst
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from survey.common import pdf
from survey.common.errors import Problem
from survey.sampling.models import Draw
from survey.sampling.public import (
    LAPSED,
    REVEALED,
    STATE_WORDS,
    VOID,
    certificate_number,
    commits_of_round,
    is_simulated,
    public_state,
)
from survey.sampling.report_pdf import refuse_undrawable

TEMPLATE = Path(__file__).with_name("typst") / "certificate.typ"
SIZES_PT = (11.5, 10.5, 9.5, 8.5, 7.5, 6.5)  # tried in turn until everything fits one sheet
LISTED = 6  # earlier commitments, and timestamps, printed one by one
Row = tuple[str, list[str], str]  # term, lines, "mono" or "text"


def certificate_pdf(draw: Draw, *, address: str, signature: dict[str, str] | None) -> bytes:
    """The sheet in the active language; the same draw gives the same bytes.

    Parameters
    ----------
    address : of the draw's public page, printed as a QR code.
    signature : of the JSON certificate: {"algorithm", "public_key", "value"}; None before it is signed.

    Raises
    ------
    Problem reports.font : a name holds characters that no available font draws.
    """
    language = get_language() or "zh-hans"
    data = _data(draw, address, signature)
    refuse_undrawable(data, language)
    at = (draw.revealed_at or draw.voided_at or draw.drawn_at or draw.committed_at).replace(microsecond=0)
    for size in SIZES_PT:
        try:
            return pdf.compile(TEMPLATE, {**data, "size": size}, language=language, timestamp=at)
        except typst.TypstError as error:
            if "certificate-too-long" not in str(error):
                raise
    raise Problem("common.invalid", reason=_("证书一页放不下：项目或参与方的名字太长"))


def _data(draw: Draw, address: str, signature: dict[str, str] | None) -> dict[str, Any]:
    state = public_state(draw)
    round_ = draw.design.round
    code = segno.make(address, error="m", micro=False)
    return {
        "lang": "en" if get_language() == "en" else "zh",
        "title": _("随机抽样证书") if draw.drawn_at else _("随机抽样承诺书"),
        "number": _("编号 %(number)s · 第 %(n)s 次抽样")
        % {"number": certificate_number(draw), "n": draw.number},
        "badges": [
            str(STATE_WORDS[state]),
            *([_("模拟数据，不是真实调查")] if is_simulated(draw) else []),
            *([_("演示用随机数，不能当证据")] if draw.beacon_kind == Draw.BeaconKind.DEMO else []),
        ],
        "is_void": state in (VOID, LAPSED),
        "sentence": _sentence(draw),
        "rows": _rows(draw, state, signature),
        "steps": _steps(draw),
        "left": [round_.study.sponsor, _("电话 %s") % round_.study.contact_phone],
        "right": [_when(draw.revealed_at or draw.drawn_at or draw.committed_at), _("扫码核验")],
        "qr": code.svg_inline(border=4, dark="#162224", light="#ffffff", omitsize=True),
        "qr_alt": _("核验这次抽样的网页"),
        "address": address,
        "sponsor": round_.study.sponsor,
    }


def _sentence(draw: Draw) -> str:
    plan, round_ = draw.design.plan, draw.design.round
    words = _(
        "%(study)s（%(round)s），从 %(frame)s 户家庭户里，"
        "按街道分 %(strata)s 层，按户数成比例抽 %(psus)s 个社区，"
        "再在每个社区里随机抽 %(take)s 户，共 %(cases)s 户。抽签用的随机数在名录锁定之后由%(beacon)s产生，"
        "任何人不能事先知道，也不能事后更换。"
    )
    return words % {
        "study": round_.study.title,
        "round": round_.name,
        "frame": f"{plan['n_households']:,}",
        "strata": f"{len(plan['strata']):,}",
        "psus": f"{plan['n_psus']:,}",
        "take": draw.design.spec["stages"][1]["take"],
        "cases": f"{plan['n_cases']:,}",
        "beacon": draw.beacon_name,
    }


def _rows(draw: Draw, state: str, signature: dict[str, str] | None) -> list[Row]:
    algorithms = draw.commitment["algorithms"]
    rows: list[Row] = [
        (_("名录指纹"), _hex(draw.commitment["frame_hash"]), "mono"),
        (_("承诺指纹"), _hex(draw.commitment_hash), "mono"),
        (_("各方的秘密"), _parties(draw, state), "text"),
        (_("第三方作证"), _stamps(draw), "text"),
        (_("公开随机数"), [_beacon(draw)], "text"),
        (_("种子"), _seed(draw, state), "mono" if state == REVEALED else "text"),
        (
            _("抽法"),
            [_("社区：%s；住户：社区内简单随机。") % _order(draw), " · ".join(algorithms.values())],
            "text",
        ),
        (_("抽中机会"), [_chances(draw)], "text"),
        (_("结果指纹"), _hex(draw.result_hash) if draw.result_hash else [_("还没有抽")], "mono"),
    ]
    if draw.state == Draw.State.VOID:
        rows.append((_("作废的理由"), [draw.void_reason or _("没有写理由")], "text"))
    if draw.reason:
        rows.append((_("再抽的理由"), [draw.reason], "text"))
    if others := _others(draw):
        rows.append((_("这一轮的别次"), others, "text"))
    if signature:
        rows.append((_("Ed25519 签名"), _hex(signature["value"]), "mono"))
        rows.append((_("签名公钥"), _hex(signature["public_key"]), "mono"))
    return rows


def _hex(digest: str) -> list[str]:
    """64 digits as two lines of four groups of eight, as one reads them out."""
    groups = [digest[i : i + 8] for i in range(0, len(digest), 8)]
    return [" ".join(groups[i : i + 4]) for i in range(0, len(groups), 4)]


def _when(moment: Any) -> str:
    return date_format(timezone.localtime(moment), "Y 年 n 月 j 日 H:i") if moment else "—"


def _parties(draw: Draw, state: str) -> list[str]:
    """Each party with the head of her secret's fingerprint."""
    parties = list(draw.parties.all())
    lines = [f"{p.number}. {p.name}（{p.secret_hash[:16]}…）" for p in parties[:LISTED]]
    if len(parties) > LISTED:
        lines.append(_("等，共 %(n)s 方") % {"n": len(parties)})
    if state != REVEALED:
        lines.append(_("括号里是秘密的指纹；秘密收卷后公开。"))
    return lines


def _stamps(draw: Draw) -> list[str]:
    stamps = list(draw.timestamps.all())
    lines = [
        f"{s.authority} · {_when(s.stamped_at)}（{s.get_kind_display()}{'，' + s.note if s.note else ''}）"
        for s in stamps[:LISTED]
    ]
    return lines or [_("没有")]


def _beacon(draw: Draw) -> str:
    words = _("%(name)s：%(value)s（%(at)s 以后才知道）")
    return words % {
        "name": draw.beacon_name,
        "value": draw.beacon or _("还没有开出"),
        "at": _when(draw.beacon_at),
    }


def _seed(draw: Draw, state: str) -> list[str]:
    if state == REVEALED:
        return _hex(draw.seed)
    return [_("SHA-256（各方秘密 ‖ 公开随机数 ‖ 承诺指纹），收卷结束后公开")]


def _order(draw: Draw) -> str:
    if draw.design.spec["stages"][0]["order"] == "random":
        return _("层内次序打乱后按户数等距抽")
    return _("层内按代码排序后按户数等距抽")


def _chances(draw: Draw) -> str:
    """The smallest and largest chance of a household by the plan, without reserves."""
    take = draw.design.spec["stages"][1]["take"]
    strata = draw.design.plan["strata"]
    each = [s["n_households"] / (s["n_take"] * take) for s in strata if s["n_take"]]
    low, high = f"1/{max(each):,.1f}", f"1/{min(each):,.1f}"
    words = _("每户 %(range)s，逐户存档；不许换户。备用 %(reserves)s 份，整份放出。")
    return words % {
        "range": low if low == high else _("%(low)s 到 %(high)s") % {"low": low, "high": high},
        "reserves": draw.design.spec["reserve_replicates"],
    }


def _others(draw: Draw) -> list[str]:
    others = [(d, words) for d, words in commits_of_round(draw) if d.pk != draw.pk]
    lines = []
    for other, words in others[-LISTED:]:
        head = _("第 %(n)s 次") % {"n": other.number}
        why = f"：{other.void_reason}" if other.void_reason else ""
        lines.append(f"{head} · {_when(other.committed_at)} · {words}{why}")
    if len(others) > LISTED:
        lines.insert(0, _("共 %(n)s 次，列出最近的：") % {"n": len(others)})
    return lines


def _steps(draw: Draw) -> list[tuple[str, str]]:
    stamps = list(draw.timestamps.all())
    return [
        (_("锁定公布"), _when(draw.committed_at)),
        (_("第三方作证"), _when(stamps[0].stamped_at) if stamps else "—"),
        (_("公开开奖"), _when(draw.beacon_at)),
        (_("抽签封存"), _when(draw.drawn_at)),
        (_("公开重算"), _when(draw.revealed_at)),
    ]
