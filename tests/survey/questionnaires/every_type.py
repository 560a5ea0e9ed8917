"""A questionnaire with every kind of question, block and order, in three languages, for pages that ask it."""

from typing import Any

from survey.questionnaires.document import Document, expression, format_for


def texts(hans: str, hant: str, english: str) -> dict[str, str]:
    """A text in the three languages."""
    return {"zh-hans": hans, "zh-hant": hant, "en": english}


def _choices(*labels: tuple[str, str, str], **parts: dict[int, dict]) -> list[dict[str, Any]]:
    extra = parts.get("extra", {})
    return [
        {"code": code, "label": texts(*label), **extra.get(code, {})}
        for code, label in enumerate(labels, start=1)
    ]


LISTS = {
    "satisfied": [
        {"code": 5 - place, "label": texts(*label)}
        for place, label in enumerate(
            (
                ("非常满意", "非常滿意", "Very satisfied"),
                ("比较满意", "比較滿意", "Fairly satisfied"),
                ("一般", "一般", "Neither"),
                ("不太满意", "不太滿意", "Not very satisfied"),
                ("非常不满意", "非常不滿意", "Not at all satisfied"),
            )
        )
    ],
    "missing": [
        {"code": -1, "label": texts("不了解", "不了解", "Don’t know"), "missing": "dont_know"},
        {"code": -2, "label": texts("跳过这题", "跳過這題", "Skip this question"), "missing": "refused"},
    ],
    "skip": [
        {"code": -2, "label": texts("跳过这题", "跳過這題", "Skip this question"), "missing": "refused"},
    ],
    "matters": _choices(
        ("停车", "停車", "Parking"),
        ("路灯和楼道照明", "路燈和樓道照明", "Street and stair lights"),
        ("垃圾分类投放点", "垃圾分類投放點", "Waste sorting points"),
        ("电梯维护", "電梯維護", "Lift maintenance"),
        ("其他", "其他", "Something else"),
        extra={5: {"specify": True}},
    ),
    "ways": _choices(
        ("打 12345 热线", "打 12345 熱線", "The 12345 line"),
        ("找社区居委会", "找社區居委會", "The residents’ committee"),
        ("在微信群里说", "在微信群裡說", "A WeChat group"),
        ("没有反映过", "沒有反映過", "None"),
        extra={4: {"exclusive": True}},
    ),
    "towns": [
        {"code": 1, "label": texts("济南", "濟南", "Jinan"), "columns": {"province": "37"}},
        {"code": 2, "label": texts("青岛", "青島", "Qingdao"), "columns": {"province": "37"}},
        {"code": 3, "label": texts("南京", "南京", "Nanjing"), "columns": {"province": "32"}},
    ],
}


def _item(name: str, kind: str, label: tuple[str, str, str], **parts: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "label": texts(*label), "seconds": 8, **parts}


ROWS = (
    ("clean", ("环境卫生", "環境衛生", "Cleanliness")),
    ("light", ("楼道照明", "樓道照明", "Stair lights")),
    ("lift", ("电梯和楼梯维护", "電梯和樓梯維護", "Lifts and stairs")),
)


def _about() -> dict[str, Any]:
    return {
        "name": "about",
        "title": texts("先问几句", "先問幾句", "First"),
        "items": [
            _item(
                "welcome",
                "note",
                ("一共几分钟，答到哪里都会存。", "一共幾分鐘，答到哪裡都會存。", "A few minutes."),
            ),
            _item(
                "rules",
                "acknowledge",
                ("回答只作统计用。", "回答只作統計用。", "Answers are used for statistics only."),
                required=True,
            ),
            _item(
                "age",
                "integer",
                ("您今年多少周岁？", "您今年多少周歲？", "How old are you?"),
                missing="skip",
                constraint=expression(". >= 18 and . <= 120"),
                required=True,
            ),
            _item(
                "share",
                "decimal",
                ("您家住房多少平方米？", "您家住房多少平方公尺？", "How many square metres is your home?"),
                missing="missing",
            ),
            _item(
                "town",
                "select_one",
                ("您常去的城市？", "您常去的城市？", "Which town do you visit?"),
                list="towns",
                filter=expression("province = '37'"),
                default=2,
            ),
            _item(
                "survey_year",
                "integer",
                ("调查年份", "調查年份", "Year of the survey"),
                default=2026,
                readonly=True,
            ),
        ],
    }


def _scores() -> dict[str, Any]:
    rows = [
        _item(name, "select_one", label, list="satisfied", missing="missing", matrix="estate", required=True)
        for name, label in ROWS
    ]
    return {
        "name": "scores",
        "title": texts("打分", "打分", "Scores"),
        "items": [
            _item(
                "stars",
                "rating",
                (
                    "您给社区服务几颗星？",
                    "您給社區服務幾顆星？",
                    "How many stars for the community services?",
                ),
                to=5,
                ends={"low": texts("很差", "很差", "Poor"), "high": texts("很好", "很好", "Good")},
                missing="missing",
                required=True,
            ),
            _item(
                "life",
                "scale",
                ("您对生活满意吗？", "您對生活滿意嗎？", "How satisfied are you with life?"),
                **{"from": 0, "to": 10},
                ends={
                    "low": texts("非常不满意", "非常不滿意", "Not at all"),
                    "high": texts("非常满意", "非常滿意", "Completely"),
                },
                missing="missing",
            ),
            *rows,
            _item(
                "first",
                "ranking",
                ("哪几样最该先办？", "哪幾樣最該先辦？", "What should be done first?"),
                list="matters",
                min_choices=2,
                max_choices=3,
                missing="missing",
                order={"random": True, "last": 1},
                required=True,
            ),
            _item(
                "ways",
                "select_multiple",
                ("您用过哪些办法反映问题？", "您用過哪些辦法反映問題？", "How did you report problems?"),
                list="ways",
                min_choices=1,
                max_choices=2,
                missing="missing",
                order={"random": True, "last": 1},
                required=True,
            ),
        ],
    }


def _times() -> dict[str, Any]:
    return {
        "name": "times",
        "appearance": "page",
        "title": texts("时间", "時間", "Times"),
        "items": [
            _item(
                "moved",
                "date",
                ("您哪天搬来的？", "您哪天搬來的？", "When did you move here?"),
                missing="missing",
            ),
            _item("home", "time", ("您一般几点到家？", "您一般幾點到家？", "When do you usually come home?")),
            _item(
                "visit",
                "datetime",
                (
                    "上一次去社区是什么时候？",
                    "上一次去社區是什麼時候？",
                    "When were you last at the community office?",
                ),
            ),
            _item(
                "matter",
                "select_one",
                ("为了哪件事？", "為了哪件事？", "What for?"),
                list="matters",
                missing="missing",
                required=True,
            ),
            _item(
                "matter_other",
                "text",
                ("请写一写是什么事", "請寫一寫是什麼事", "Please say what"),
                relevant=expression("${matter} = 5"),
                **{"with": "matter"},
                required=True,
            ),
        ],
    }


def _family() -> dict[str, Any]:
    return {
        "name": "family",
        "title": texts("和您同住的家人", "和您同住的家人", "People who live with you"),
        "repeat": {"label": texts("第 {0} 位家人", "第 {0} 位家人", "Person {0}"), "max": 3},
        "items": [
            _item("called", "text", ("怎么称呼？", "怎麼稱呼？", "What do you call them?"), required=True),
            _item("years", "integer", ("多大年纪？", "多大年紀？", "How old?"), required=True),
            _item(
                "school",
                "text",
                ("在哪里上学？", "在哪裡上學？", "Which school?"),
                relevant=expression("${years} < 18"),
            ),
        ],
    }


def _places() -> dict[str, Any]:
    return {
        "name": "places",
        "items": [
            _item("people", "calculate", ("", "", ""), calculation=expression("count(${family})")),
            _item(
                "area",
                "region",
                ("您在哪里上班？", "您在哪裡上班？", "Where do you work?"),
                root="370100000000",
                levels=["district", "street", "community"],
                missing="missing",
                required=True,
            ),
            _item(
                "spot",
                "place",
                ("哪里的路灯坏了？", "哪裡的路燈壞了？", "Where is the broken lamp?"),
                missing="missing",
            ),
            _item(
                "picture",
                "photo",
                ("请拍一张现场照片", "請拍一張現場照片", "Please take a photo"),
                missing="skip",
            ),
            _item(
                "sign",
                "signature",
                ("同意我们保存照片，请签名", "同意我們保存照片，請簽名", "Sign to let us keep the photo"),
                consent=True,
                relevant=expression("${picture} != ''"),
                required=True,
            ),
            _item(
                "remark",
                "text",
                ("还想说什么？", "還想說什麼？", "Anything else?"),
                multiline=True,
                missing="skip",
            ),
        ],
    }


def every_type() -> Document:
    """The document; `calculate` items have no label."""
    document: Document = {
        "name": "every_type",
        "version": "1",
        "title": texts("什么都问一遍", "什麼都問一遍", "One of everything"),
        "languages": ["zh-hans", "zh-hant", "en"],
        "default_language": "zh-hans",
        "timezone": "Asia/Shanghai",
        "choice_lists": LISTS,
        "matrices": {
            "estate": {
                "label": texts(
                    "您对小区的这几方面满意吗？",
                    "您對小區的這幾方面滿意嗎？",
                    "How satisfied are you with these?",
                ),
                "order": {"random": True},
            }
        },
        "blocks": [_about(), _scores(), _times(), _family(), _places()],
    }
    for block in document["blocks"]:
        for item in block["items"]:
            if item["type"] == "calculate":
                del item["label"], item["seconds"]
    return {"format": format_for(document), **document}
