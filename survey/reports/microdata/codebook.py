"""What every column means: DDI Codebook 2.5 for archives, Markdown for people."""

from xml.etree import ElementTree as Xml

from django.utils.translation import gettext as _

from survey.reports.microdata.table import Microdata
from survey.reports.microdata.variables import Variable
from survey.reports.models import Run

NAMESPACE = "ddi:codebook:2_5"  # DDI Alliance, Codebook 2.5 (2014)
REASONS = {"personal": _("个人信息"), "repeat": _("逐人重复的一组题")}


def ddi(run: Run, data: Microdata) -> bytes:
    """The codebook as DDI: study, file, and each variable with its question, codes and counts."""
    root = Xml.Element("codeBook", {"xmlns": NAMESPACE, "version": "2.5", "xml:lang": "zh-Hans"})
    study = run.round.study
    citation = Xml.SubElement(Xml.SubElement(root, "stdyDscr"), "citation")
    title = Xml.SubElement(citation, "titlStmt")
    _add(title, "titl", f"{study.title} {run.round.name}")
    _add(title, "IDNo", str(run.pk))
    _add(Xml.SubElement(citation, "rspStmt"), "AuthEnty", study.sponsor)
    info = Xml.SubElement(root.find("stdyDscr"), "stdyInfo")
    _add(info, "abstract", study.purpose)
    _add(Xml.SubElement(info, "sumDscr"), "universe", study.population)
    dimensions = Xml.SubElement(Xml.SubElement(Xml.SubElement(root, "fileDscr"), "fileTxt"), "dimensns")
    _add(dimensions, "caseQnty", str(len(data.frame)))
    _add(dimensions, "varQnty", str(len(data.variables)))
    part = Xml.SubElement(root, "dataDscr")
    for number, variable in enumerate(data.variables, start=1):
        part.append(_variable(number, variable, data))
    Xml.indent(root)
    return Xml.tostring(root, encoding="utf-8", xml_declaration=True)


def _add(parent: Xml.Element, tag: str, text: str, **attributes: str) -> None:
    Xml.SubElement(parent, tag, attributes).text = text


def _variable(number: int, variable: Variable, data: Microdata) -> Xml.Element:
    found = Xml.Element("var", {"ID": f"V{number}", "name": variable.name})
    if variable.name == "weight":
        found.set("wgt", "wgt")
    _add(found, "labl", variable.label)
    if variable.question:
        _add(Xml.SubElement(found, "qstn"), "qstnLit", variable.question)
    if variable.labels:
        counts = data.frame[variable.name].value_counts()
        for value, label in variable.labels.items():
            category = Xml.SubElement(found, "catgry")
            if value in variable.missing:
                category.set("missing", "Y")
            _add(category, "catValu", plain(value))
            _add(category, "labl", label)
            _add(category, "catStat", str(int(counts.get(value, 0))), type="freq")
    Xml.SubElement(found, "varFormat", {"type": "character" if variable.is_text else "numeric"})
    return found


def plain(value: float | str) -> str:
    """A code as it is written: 5, not 5.0."""
    return f"{value:.0f}" if isinstance(value, float) else value


def markdown(run: Run, data: Microdata) -> str:
    """The codebook to read, with what is left out and why, and how to use the weights."""
    lines = [
        f"# {run.round.study.title} · {run.round.name}",
        "",
        _("%(n)s 份答卷，%(k)s 个变量。数据快照 %(snapshot)s，结果文件 %(result)s。")
        % {
            "n": f"{len(data.frame):,}",
            "k": len(data.variables),
            "snapshot": run.snapshot.content_hash[:12] if run.snapshot else "—",
            "result": run.document_hash[:12],
        },
        "",
        _("## 怎么用"),
        _("- 估计用 `weight`，误差用 `stratum` 和 `psu`（初级抽样单位）。样例：reproduce.R、reproduce.do。"),
        _("- 负数不是答案：−1 不知道，−2 拒答，−3 不适用（没有问到），−4 访员漏问。算之前请去掉。"),
        _("- 层和单位是假名。区县、性别、年龄组合成 %(g)s 组，最小的一组 %(k)s 人。")
        % {"g": data.groups, "k": data.smallest_group},
        _("- 抽中而没有一份答卷的初级抽样单位有 %(n)s 个，不在文件里；有的话，误差会略小于报告里的。")
        % {"n": data.empty_psus},
        _("- 只准用于统计，不得设法认出任何人，不得和别的名单对号（《统计法》《个人信息保护法》）。"),
        "",
        _("- cases.csv：放出的每一户一行，答了的没答的都在，没有答案；从抽中的机会一步步算权数，用它。"),
        "",
        _("## 没有放进来的"),
    ]
    lines += [f"- {w.item}：{w.label}（{REASONS[w.reason]}）" for w in data.withheld] or [_("没有。")]
    lines += ["", _("## 变量"), "", _("| 变量 | 含义 | 取值 |"), "|---|---|---|"]
    for variable in data.variables:
        codes = "；".join(f"{plain(value)} {label}" for value, label in list(variable.labels.items())[:30])
        lines.append(f"| `{variable.name}` | {_cell(variable.label)} | {_cell(codes)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "｜").replace("\n", " ")
