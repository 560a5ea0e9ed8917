"""What AAPOR's Transparency Initiative asks for beyond frame, draw, weights and errors. No database.

Items: AAPOR Code of Professional Ethics and Practices (April 2021), section III.A, elements 1–11 (data
collection strategy; sponsor and conductor; instruments; population; sample generation and recruitment; modes;
dates; sizes and precision; weighting; processing and quality; limitations). `method` has the others. What an
older document does not hold is left out, never guessed.
"""

from typing import Any

from django.utils.translation import gettext as _

from survey.reports.domains import ALL
from survey.reports.reading import Reading

LANGUAGES = ("zh-hans", "zh-hant", "en")


def who_and_what_rows(document: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """Strategy, sponsor and conductor, instrument: elements 1 to 3."""
    study, form = document["study"], document["round"]["questionnaire"]
    who = [_("出资、主办和实施：%s。") % study["sponsor"]]
    who += [_("为什么做：%s") % study["purpose"].rstrip("。") + "。"] if study.get("purpose") else []
    who += [_("批准：%s。") % study["approval"]] if study.get("approval") else []
    who += [_("居民可以打这个电话问：%s。") % study["contact"]] if study.get("contact") else []
    return [
        (_("什么调查"), [_kind(document)]),
        (_("谁做的"), who),
        (
            _("用的问卷"),
            [
                _(
                    "“%(title)s”第 %(number)d 版，指纹 %(hash)s。"
                    "原话、答案和顺序见“问卷原话”，语言：%(languages)s。"
                )
                % {
                    "title": form["title"],
                    "number": form["number"],
                    "hash": form["hash"][:12],
                    "languages": "、".join(_languages(document)),
                }
            ],
        ),
    ]


def _kind(document: dict[str, Any]) -> str:
    if document.get("volunteers"):
        return _("随机抽户的概率抽样调查。自愿参加的答卷只进单独标明的试验性混合估计，不进别的数字。")
    return _("随机抽户的概率抽样调查。自愿参加的答卷不进任何数字。")


def _languages(document: dict[str, Any]) -> list[str]:
    names = {"zh-hans": _("简体中文"), "zh-hant": _("繁体中文"), "en": _("英文")}
    found = {language for item in document["items"].values() for language in item["label"]}
    return [names[language] for language in LANGUAGES if language in found] or [names["zh-hans"]]


def asking_rows(document: dict[str, Any]) -> list[str]:
    """Recruitment: element 5, as far as it is not the draw."""
    modes = set(document["round"]["modes"])
    rows = []
    if "web" in modes:
        rows.append(_("抽中的户先收到一封信，信上的码只能用一次，扫码后自己填。"))
    if "door" in modes:
        rows.append(_("没有回应的，由访问员上门；访问员看不到户里以前填过什么，也不能换户。"))
    return rows


def size_rows(reading: Reading) -> list[str]:
    """Element 8: sizes, and the precision of each headline figure."""
    response = reading.document["response"]
    rows = [
        _("抽了 %(cases)s 户，收到 %(responses)s 份答卷。")
        % {"cases": f"{response['cases']:,}", "responses": f"{response['responses']:,}"}
    ]
    for code, indicator in reading.indicators.items():
        figure = reading.figure(code, ALL)
        if not figure.shown or figure.deff is None:
            continue
        rows.append(
            _("%(name)s：%(n)s 份，误差 ±%(half)s %(unit)s（95%%），设计效应 %(deff).2f 已经计入。")
            % {
                "name": indicator["name"],
                "n": figure.n_text,
                "half": figure.half_text,
                "unit": figure.unit,
                "deff": figure.deff,
            }
        )
    return rows


def quality_rows(document: dict[str, Any]) -> list[str]:
    """Element 10: what was done to keep answers in order."""
    rows = [_("答的时候就检查：跳题和范围由问卷规定，矛盾的当场再问一次；没有事后改过答案，没有填补缺答。")]
    if "door" in document["round"]["modes"]:
        rows.append(_("上门的答卷查时长、位置和答法，有疑点的由督导看，并抽一部分回访核对。"))
    rows.append(
        _("算的过程冻结成配方，原始数据留有快照，同样的数据重算，结果一个字节也不差；报告有数字签名。")
    )
    return rows


def limit_rows(document: dict[str, Any]) -> list[str]:
    """Element 11: what the figures cannot show."""
    rows = [
        _(
            "误差只说抽样带来的不准。没登记在名录里的住户没有机会；不肯答的人和答了的人想法不同，也会带来偏差，"
            "加权只能补上年龄、性别和地区的差别。"
        ),
        _("自己填的户，“生日最近的一位”靠居民自己照做，是准随机，不是严格的随机。"),
    ]
    if len(document["round"]["modes"]) > 1:
        rows.append(_("同一道题，自己填和当面答可能不一样；方式的比例写在“怎么问的”里。"))
    if document["simulated"]:
        rows.append(_("这一轮是模拟数据，不能当作任何地方居民的意见。"))
    return rows
