"""What a resident is told before the first question: a text to start from, and what it must hold. Pure.

The parts follow PIPL article 17 (who, why, what, how long, rights, in plain words) and the statistics law's
header fields (docs/privacy.md); pages reached by a letter's code are confidential, never anonymous.
"""

from collections.abc import Mapping

LANGUAGES = ("zh-hans", "zh-hant", "en")
PARTS = ("lead", "who", "why", "kept", "how_long", "rights", "voluntary", "full")

_TEXTS: dict[str, dict[str, str]] = {
    "zh-hans": {
        "lead": "想听听您的看法",
        "who": "{sponsor}在做这次调查。有疑问请拨 {phone}。{form}",
        "why": "{purpose}。您家是从全部住户里随机抽中的。",
        "kept": "只保留您的选择和您主动写下的话。您家的地址和答案分开存放，答案只合并成数字公布。您的答案保密。",
        "how_long": "大约 8 分钟。地址等联系信息最迟保存到{until}，到期销毁。",
        "rights": "您可以随时查看或要求删除自己的答案：在“我的数据”里点一下，或拨 {phone}，15 个工作日内办好。",
        "voluntary": "参加是自愿的，不参加没有任何影响；每道题都可以跳过。请 {age} 岁及以上的家庭成员填写。",
        "full": (
            "处理者：{sponsor}。目的：{purpose}。方式：通过微信或网页填写，或由访员上门记录，存放在境内的服务器上。"
            "种类：问卷答案、性别和年龄段、填写时间；不收集姓名和身份证号，微信标识只以不可还原的形式保存，"
            "用来认出同一部手机。期限：联系信息最迟保存到{until}。权利：查阅、复制、更正、删除、撤回同意，"
            "电话 {phone}。撤回以后，您的答案会被销毁，已经公布的合计数字不变。"
        ),
    },
    "zh-hant": {
        "lead": "想聽聽您的看法",
        "who": "{sponsor}在做這次調查。有疑問請撥 {phone}。{form}",
        "why": "{purpose}。您家是從全部住戶裏隨機抽中的。",
        "kept": "只保留您的選擇和您主動寫下的話。您家的地址和答案分開存放，答案只合併成數字公佈。您的答案保密。",
        "how_long": "大約 8 分鐘。地址等聯繫信息最遲保存到{until}，到期銷毀。",
        "rights": "您可以隨時查看或要求刪除自己的答案：在“我的數據”裏點一下，或撥 {phone}，15 個工作日內辦好。",
        "voluntary": "參加是自願的，不參加沒有任何影響；每道題都可以跳過。請 {age} 歲及以上的家庭成員填寫。",
        "full": (
            "處理者：{sponsor}。目的：{purpose}。方式：通過微信或網頁填寫，或由訪員上門記錄，存放在境內的伺服器上。"
            "種類：問卷答案、性別和年齡段、填寫時間；不收集姓名和身份證號，微信標識只以不可還原的形式保存，"
            "用來認出同一部手機。期限：聯繫信息最遲保存到{until}。權利：查閱、複製、更正、刪除、撤回同意，"
            "電話 {phone}。撤回以後，您的答案會被銷毀，已經公佈的合計數字不變。"
        ),
    },
    "en": {
        "lead": "We would like to hear what you think",
        "who": "{sponsor} is running this survey. Questions: {phone}. {form}",
        "why": "{purpose}. Your household was chosen at random from all households.",
        "kept": (
            "We keep your choices and what you choose to write. Your address is stored apart from your answers, "
            "which are published only as totals. Your answers are confidential."
        ),
        "how_long": "About 8 minutes. Contact details are kept until {until} at the latest, then destroyed.",
        "rights": (
            "You may see or delete your answers at any time: tap “My data”, or call {phone}; "
            "it is done within 15 working days."
        ),
        "voluntary": (
            "Taking part is voluntary and refusing has no consequence; you may skip any question. "
            "A household member aged {age} or over should answer."
        ),
        "full": (
            "Controller: {sponsor}. Purpose: {purpose}. Means: filled in through WeChat or a web page, or recorded "
            "by an interviewer, stored on a server in China. Kinds: answers, sex and age group, time of answering; "
            "no name and no identity number; the WeChat identity is kept only in a form that cannot be reversed, "
            "to recognise the same phone. Period: contact details until {until} at the latest. Rights: access, "
            "copy, correction, deletion, withdrawal of consent, telephone {phone}. After withdrawal your answers "
            "are destroyed; totals already published stand."
        ),
    },
}
_UNTIL = {
    "zh-hans": "收卷结束后 6 个月",
    "zh-hant": "收卷結束後 6 個月",
    "en": "6 months after the field closes",
}


def draft_consent_texts(
    *,
    sponsor: str,
    purpose: str,
    phone: str,
    min_age: int = 18,
    form_number: str = "",
    approving_body: str = "",
    approval_number: str = "",
    approval_valid_until: str = "",
) -> dict[str, dict[str, str]]:
    """A text to start from, in three languages, filled with the study's facts."""
    header = "，".join(
        f"{name} {value}"
        for name, value in (
            ("表号", form_number),
            ("制定机关", approving_body),
            ("批准（备案）文号", approval_number),
            ("有效期至", approval_valid_until),
        )
        if value
    )
    return {
        language: {
            part: text.format(
                sponsor=sponsor,
                purpose=purpose.rstrip("。.") or purpose,
                phone=phone,
                age=min_age,
                until=_UNTIL[language],
                form=f"{header}。" if header else "",
            ).strip()
            for part, text in parts.items()
        }
        for language, parts in _TEXTS.items()
    }


def missing_parts(texts: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Parts without which a consent text must not be published, as "language.part"."""
    return [
        f"{language}.{part}"
        for language in texts
        for part in PARTS
        if not str(texts[language].get(part, "")).strip()
    ] or ([] if "zh-hans" in texts else ["zh-hans"])
