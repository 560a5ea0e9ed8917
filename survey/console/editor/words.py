"""The editor's words: types, operators, advice with its reason and source, changes and what they mean."""

from typing import Any

from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from survey.questionnaires.conditions import (
    NO_VALUE,
    Condition,
    Row,
    answer_words,
    kind_of_item,
    read_text,
)
from survey.questionnaires.document import Block, Document, item_index, text_in
from survey.questionnaires.expressions import ExpressionError
from survey.questionnaires.wording import Advice

TYPE_GROUPS = {"choose": _("选一选"), "write": _("填一填"), "place": _("拍和定位"), "other": _("不用答的")}
TYPES = {
    "select_one": _("单选"),
    "select_multiple": _("多选"),
    "scale": _("打分（0–10）"),
    "rating": _("星级"),
    "ranking": _("排序"),
    "text": _("文字"),
    "integer": _("整数"),
    "decimal": _("小数"),
    "date": _("日期"),
    "time": _("时间"),
    "datetime": _("日期和时间"),
    "region": _("选地区"),
    "place": _("定位"),
    "photo": _("照片"),
    "signature": _("签名"),
    "note": _("说明文字"),
    "acknowledge": _("请他确认"),
    "calculate": _("计算"),
}
PRESETS = {
    "satisfied": _("五级满意"),
    "yes_no": _("是 / 否"),
    "agree": _("五级同意"),
    "score": _("0–10 分"),
    "change": _("变好 / 变差"),
    "often": _("多久一次"),
}
MODES = {"web": _("网页和微信"), "door": _("访员上门")}
LANGUAGES = {"zh-hans": _("简体中文"), "zh-hant": _("繁體中文"), "en": "English"}
LEVELS = {
    "province": _("省"),
    "city": _("市"),
    "district": _("区县"),
    "street": _("街道"),
    "community": _("社区"),
}
PATTERNS = {
    "mobile": _("手机号码"),
    "landline": _("固定电话"),
    "identity_number": _("身份证号"),
    "postcode": _("邮政编码"),
    "email": _("电子邮箱"),
    "digits": _("只有数字"),
}
METHODS = {"uniform": _("列名单，系统抽一人"), "next_birthday": _("下一个过生日的人"), "kish": _("Kish 表")}

# Parts of an item or block, as a problem names them.
PARTS = {
    "label": pgettext_lazy("one question", "题目"),
    "hint": _("提示语"),
    "title": _("标题"),
    "relevant": _("什么时候问"),
    "constraint": _("回答要满足"),
    "constraint_message": _("不满足时说什么"),
    "required": _("要不要答"),
    "required_message": _("没答时说什么"),
    "calculation": _("算式"),
    "filter": _("给出哪些选项"),
    "missing": _("不想答、答不上来"),
    "low": _("最低分叫什么"),
    "high": _("最高分叫什么"),
}

# Operators as a person says them, by the kind of the item.
OPERATORS: dict[str, dict[str, Any]] = {
    "one": {
        "eq": _("选了"),
        "ne": _("没有选"),
        "any_of": _("选了其中一个"),
        "none_of": _("一个也没选"),
        "answered": _("答了"),
        "blank": _("没答"),
    },
    "many": {
        "has": _("选了"),
        "has_not": _("没有选"),
        "has_any": _("至少选了其中一个"),
        "has_none": _("一个也没选"),
        "count_ge": _("选了几个，至少"),
        "count_le": _("选了几个，最多"),
        "answered": _("答了"),
        "blank": _("没答"),
    },
    "number": {
        "eq": _("等于"),
        "ne": _("不等于"),
        "lt": _("小于"),
        "le": _("不超过"),
        "gt": _("大于"),
        "ge": _("不少于"),
        "answered": _("答了"),
        "blank": _("没答"),
    },
    "text": {"eq": _("正好是"), "ne": _("不是"), "answered": _("答了"), "blank": _("没答")},
    "date": {
        "eq": pgettext_lazy("date condition", "是"),
        "lt": _("早于"),
        "le": _("不晚于"),
        "gt": _("晚于"),
        "ge": _("不早于"),
        "answered": _("答了"),
        "blank": _("没答"),
    },
}
OPERATORS["any"] = OPERATORS["number"]
# Operators that a hand-written expression may hold and the pick list does not offer.
RARE = {
    "lt": _("代码小于"),
    "le": _("代码不超过"),
    "gt": _("代码大于"),
    "ge": _("代码不少于"),
    "eq": pgettext_lazy("condition", "是"),
    "ne": _("不是"),
    "any_of": _("是其中一个"),
    "none_of": _("哪个都不是"),
    "has": _("选了"),
    "has_not": _("没有选"),
    "count_eq": _("选了几个，正好"),
    "count_ne": _("选了几个，不是"),
    "count_lt": _("选了几个，少于"),
    "count_gt": _("选了几个，多于"),
}

FACTS = _("依据：真实问卷的教训，见文档“问卷提醒的依据”")
METHOD = _("依据：Krosnick & Presser (2010)，问卷设计手册")
PHONE = _("依据：手机页面的字号")
RULE = _("依据：本平台的缺失回答规则")
# Code → (what is seen, why it matters, where the rule comes from).
ADVICE: dict[str, tuple[Any, Any, Any]] = {
    "two_things": (
        _("这一问里有两件事：{first}、{second}。"),
        _("两件事看法不同的人没法答，得出的分也说不清是哪一件。"),
        METHOD,
    ),
    "two_things_unsplit": (
        _("这一问里像是问了两件事。"),
        _("两件事看法不同的人没法答。分成两题更好。"),
        METHOD,
    ),
    "leading_presses": (
        _("“{words}”在逼着人同意。"),
        _("换成不带倾向的问法，例如“您觉得……怎么样？”"),
        METHOD,
    ),
    "leading_crowd": (
        _("“{words}”先说了别人怎么看。"),
        _("人会跟着多数人或专家说。去掉前面这句。"),
        METHOD,
    ),
    "leading_praises": (
        _("“{words}”先夸了一句。"),
        _("题目替人下了结论，满意的比例会偏高，也经不起核查。"),
        FACTS,
    ),
    "leading_agrees": (
        _("“{words}”：同意式的问法容易一路点头。"),
        _("直接问这件事本身：满意不满意、好不好、有没有。"),
        METHOD,
    ),
    "double_negative": (_("“{words}”是双重否定。"), _("听的人要多绕一道，老人容易答反。"), METHOD),
    "no_dont_know": (
        _("没有“不了解”可选。"),
        _("没接触过这件事的人只能乱选，“一般”会虚高。给他一个说不知道的地方，单列，不计分。"),
        FACTS,
    ),
    "forced": (
        _("必答，但没有“跳过这题”。"),
        _("参加是自愿的：不想答的人要么乱答，要么整份放弃。"),
        RULE,
    ),
    "unbalanced": (
        _("好的选项有 {good} 个，不好的有 {bad} 个，不对称。"),
        _("多出来的一边会占便宜：2002 年的安全感题三好两差，同一批回答算出 42.5% 或 84.1%。"),
        FACTS,
    ),
    "codes_reversed": (
        _("好的选项代码反而小。"),
        _("本平台一律代码越大越好；方向不一，合成指数时容易算反。"),
        RULE,
    ),
    "no_ends": (_("两端的分没有名字。"), _("不写明 0 分和 10 分是什么意思，各人理解不一样。"), METHOD),
    "long_label": (
        _("题目 {length} 字，超过 {most} 字。"),
        _("手机上要占四行以上，老人要往下翻才看得到选项。"),
        PHONE,
    ),
    "long_option": (_("选项“{label}”太长。"), _("超过 {most} 字在手机上要折三行，不好点。"), PHONE),
    "many_options": (
        _("有 {count} 个选项，超过 {most} 个。"),
        _("两屏还放不下，人多半只在前几个里选。能并就并，或改成填空。"),
        PHONE,
    ),
    "too_long": (
        _("{mode}全答大约 {minutes} 分钟，超过 8 分钟。"),
        _("越长，半途放弃和乱答的越多。先删掉不进报告的题。"),
        METHOD,
    ),
}

# Kinds of change between versions, and what they mean for a trend.
CHANGES = {
    "added": _("新增"),
    "removed": _("删去"),
    "type": _("题型改了"),
    "label": _("问法改了"),
    "codes": _("选项或代码增减"),
    "options": _("选项说法改了"),
    "scale": _("分数或两端改了"),
    "hint": _("提示语改了"),
    "stem": _("一组小题的总题改了"),
    "missing": _("“不了解”一类的选项改了"),
    "relevant": _("什么时候问改了"),
    "filter": _("给出哪些选项改了"),
    "calculation": _("算法改了"),
    "scoring": _("计分改了"),
    "modes": _("在哪种方式里问改了"),
    "moved": _("次序挪了"),
    "order": _("随机次序改了"),
    "default": _("预先填好的改了"),
    "limits": _("允许的范围改了"),
    "required": _("必答改了"),
    "renamed": _("题名改了"),
    "translation": _("补了译文"),
    "other": _("其他设置改了"),
}
MEANINGS = {
    "broken": _("不能和前几轮直接比，趋势图在这里断开"),
    "look": _("要说明原因才能比"),
    "same": _("照样能比"),
    "new": _("新题，从这一轮开始"),
    "gone": _("这一轮起不再问"),
}
DEEDS = {
    "put_item": _("改了 {subject}"),
    "add_items": _("加了题"),
    "move_item": _("挪了 {subject}"),
    "shift_item": _("挪了 {subject}"),
    "delete_item": _("删了 {subject}"),
    "duplicate_item": _("复制了 {subject}"),
    "split_item": _("拆了 {subject}"),
    "add_block": _("加了一块"),
    "set_block": _("改了 {subject}"),
    "move_block": _("挪了 {subject}"),
    "delete_block": _("删了 {subject}"),
    "set_document": _("改了整份的设置"),
    "set_quotas": _("改了配额"),
    "set_texts": _("改了译文"),
}
TEXT_KINDS = {
    "title": _("问卷名"),
    "block": _("块的标题"),
    "repeat": _("一位的叫法"),
    "label": pgettext_lazy("one question", "题目"),
    "hint": _("提示语"),
    "constraint_message": _("范围不对时说的话"),
    "required_message": _("没答时说的话"),
    "end": _("分数的一端"),
    "matrix": _("一组小题的总题"),
    "quota": _("配额"),
    "choice": _("选项"),
}


def advice_words(advice: Advice) -> dict[str, Any]:
    """One piece of advice for a page: what is seen, why it matters, the source, and whether it can be cut."""
    code, values = advice.code, dict(advice.values)
    if code == "two_things" and not values.get("first"):
        code = "two_things_unsplit"
    if code == "too_long":
        values = {"mode": MODES[values["mode"]], "minutes": round(values["seconds"] / 60, 1)}
    seen, why, source = ADVICE[code]
    return {
        "code": code,
        "item": advice.item,
        "seen": str(seen).format(**values),
        "why": str(why).format(**values),
        "source": source,
        "can_split": code == "two_things",
    }


def block_title(document: Document, block: Block) -> str:
    """What a block is called for its author: its title, else its place."""
    title = text_in(block.get("title"), document["default_language"], document)
    if title or block.get("kind") == "household":
        return title or gettext("选谁来答")
    return gettext("第 %(n)s 块") % {"n": document["blocks"].index(block) + 1}


def operator_words(kind: str, operator: str) -> str:
    """The operator as the pick list says it."""
    return str(OPERATORS[kind].get(operator) or RARE.get(operator, operator))


def row_words(row: Row, document: Document, language: str) -> str:
    """One row in words: “P04 近一年，您反映过问题吗？”选了“是”."""
    found = item_index(document).get(row.item)
    label = text_in(found[1].get("label"), language, document) if found else ""
    kind = kind_of_item(found[1]) if found else "any"
    asked = f"{row.item} {label}".strip()
    said = {"asked": asked, "operator": operator_words(kind, row.operator)}
    if row.operator in NO_VALUE:
        return gettext("“%(asked)s”%(operator)s") % said
    quoted = [gettext("“%s”") % word for word in answer_words(document, row, language)]
    answers = pgettext("between answers", "、").join(quoted)
    return gettext("“%(asked)s”%(operator)s%(answers)s") % {**said, "answers": answers}


def condition_words(condition: Condition, document: Document, language: str) -> str:
    """A whole condition in words."""
    joiner = gettext("，并且") if condition.joiner == "and" else gettext("，或者")
    return joiner.join(row_words(row, document, language) for row in condition.rows)


def stored_words(stored: dict[str, Any] | None, document: Document, language: str) -> str:
    """A stored condition in words, or as it was written where rows cannot say it; "" for none."""
    if stored is None:
        return ""
    try:
        condition = read_text(stored["text"])
    except ExpressionError:
        condition = None
    return condition_words(condition, document, language) if condition else stored["text"]


def deed_words(deed: str, subject: str) -> str:
    """What a step of the history did."""
    return str(DEEDS.get(deed, _("改了草稿"))).format(subject=subject)
