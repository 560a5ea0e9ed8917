"""Write `minyi_core.xlsx`, the questionnaire that ships with Minyi.

Run `python -m survey.questionnaires.data.build_core` after a change here.

Codes: five-point options run from best (5) to worst (1), four-point from 4 to 1, on every item, so that a
higher code is always better; 1 是 / 2 否; −1 不了解 and its like, −2 跳过这题. K03 is the objective knowledge
item (3 is right) that shows up recited answers. Items and scales follow the project's own item bank; nothing
asks for a name, a number or an address.
"""

from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font

PATH = Path(__file__).with_name("minyi_core.xlsx")
LANGUAGES = ("简体中文 (zh-hans)", "繁體中文 (zh-hant)", "English (en)")
Texts = tuple[str, str, str]

RECENT = ("想想最近半年的情况。", "想想最近半年的情況。", "Think of the last six months.")
PRIVATE = ("请别写姓名和电话。", "請別寫姓名和電話。", "Please leave out names and phone numbers.")

# list → (code, texts, missing kind or flag)
CHOICES: dict[str, list[tuple[int, Texts, str]]] = {
    "satisfied": [
        (5, ("非常满意", "非常滿意", "Very satisfied"), ""),
        (4, ("比较满意", "比較滿意", "Fairly satisfied"), ""),
        (3, ("一般", "一般", "Neither satisfied nor dissatisfied"), ""),
        (2, ("不太满意", "不太滿意", "Fairly dissatisfied"), ""),
        (1, ("很不满意", "很不滿意", "Very dissatisfied"), ""),
    ],
    "support": [
        (5, ("非常支持", "非常支持", "Strongly support"), ""),
        (4, ("比较支持", "比較支持", "Somewhat support"), ""),
        (3, ("无所谓", "無所謂", "Indifferent"), ""),
        (2, ("不太支持", "不太支持", "Somewhat against"), ""),
        (1, ("反对", "反對", "Against"), ""),
    ],
    "change": [
        (5, ("明显变好", "明顯變好", "Clearly better"), ""),
        (4, ("有所变好", "有所變好", "Somewhat better"), ""),
        (3, ("没有变化", "沒有變化", "No change"), ""),
        (2, ("有所变差", "有所變差", "Somewhat worse"), ""),
        (1, ("明显变差", "明顯變差", "Clearly worse"), ""),
    ],
    "agree": [
        (5, ("非常同意", "非常同意", "Strongly agree"), ""),
        (4, ("比较同意", "比較同意", "Somewhat agree"), ""),
        (3, ("说不上同意不同意", "說不上同意不同意", "Neither agree nor disagree"), ""),
        (2, ("不太同意", "不太同意", "Somewhat disagree"), ""),
        (1, ("很不同意", "很不同意", "Strongly disagree"), ""),
    ],
    "happy": [
        (5, ("非常幸福", "非常幸福", "Very happy"), ""),
        (4, ("比较幸福", "比較幸福", "Fairly happy"), ""),
        (3, ("说不上幸福不幸福", "說不上幸福不幸福", "Neither happy nor unhappy"), ""),
        (2, ("比较不幸福", "比較不幸福", "Fairly unhappy"), ""),
        (1, ("非常不幸福", "非常不幸福", "Very unhappy"), ""),
    ],
    "safe": [
        (4, ("安全", "安全", "Safe"), ""),
        (3, ("比较安全", "比較安全", "Fairly safe"), ""),
        (2, ("不太安全", "不太安全", "Not very safe"), ""),
        (1, ("不安全", "不安全", "Unsafe"), ""),
    ],
    "yes_no": [(1, ("是", "是", "Yes"), ""), (2, ("否", "否", "No"), "")],
    "know_words": [
        (4, ("全知道", "全知道", "All of it"), ""),
        (3, ("知道大部分", "知道大部分", "Most of it"), ""),
        (2, ("知道一点", "知道一點", "A little"), ""),
        (1, ("不知道", "不知道", "None of it"), ""),
    ],
    "value_groups": [
        (
            1,
            ("富强、民主、文明、和谐", "富強、民主、文明、和諧", "Prosperity, democracy, civility, harmony"),
            "",
        ),
        (
            2,
            ("自由、平等、公正、法治", "自由、平等、公正、法治", "Freedom, equality, justice, rule of law"),
            "",
        ),
        (
            3,
            (
                "爱国、敬业、诚信、友善",
                "愛國、敬業、誠信、友善",
                "Patriotism, dedication, integrity, friendliness",
            ),
            "",
        ),
        (4, ("都不是", "都不是", "None of these"), ""),
        # Not knowing is a wrong answer to a knowledge item, so it is no missing code here.
        (9, ("不知道", "不知道", "I don't know"), ""),
    ],
    "how_often": [
        (
            4,
            ("经常（每月 1 次及以上）", "經常（每月 1 次及以上）", "Often (once a month or more)"),
            "",
        ),
        (3, ("有时（一年几次）", "有時（一年幾次）", "Sometimes (a few times a year)"), ""),
        (2, ("很少（一年 1 次）", "很少（一年 1 次）", "Rarely (once a year)"), ""),
        (1, ("从未", "從未", "Never"), ""),
    ],
    "worries": [
        (1, ("盗窃", "盜竊", "Theft"), ""),
        (2, ("电信网络诈骗", "電信網絡詐騙", "Phone and online fraud"), ""),
        (3, ("打架滋事", "打架滋事", "Fights and disturbances"), ""),
        (4, ("黑恶势力", "黑惡勢力", "Organised crime"), ""),
        (5, ("赌博吸毒", "賭博吸毒", "Gambling and drugs"), ""),
        (6, ("交通安全", "交通安全", "Traffic safety"), ""),
        (7, ("食品药品安全", "食品藥品安全", "Safety of food and medicine"), ""),
        (96, ("其他（请说明）", "其他（請說明）", "Something else (please say)"), "specify"),
    ],
    "sex": [(1, ("男", "男", "Male"), ""), (2, ("女", "女", "Female"), "")],
    "schooling": [
        (1, ("小学及以下", "小學及以下", "Primary school or below"), ""),
        (2, ("初中", "初中", "Junior secondary school"), ""),
        (3, ("高中（含中专）", "高中（含中專）", "Senior or vocational secondary school"), ""),
        (4, ("大专", "大專", "Junior college"), ""),
        (5, ("本科及以上", "本科及以上", "Bachelor's degree or above"), ""),
    ],
    "hukou": [
        (
            1,
            (
                "本社区（村）所在街道（镇）",
                "本社區（村）所在街道（鎮）",
                "In the street or town of this community",
            ),
            "",
        ),
        (
            2,
            ("本区县其他街道（镇）", "本區縣其他街道（鎮）", "Another street or town of this district"),
            "",
        ),
        (3, ("本市其他区县", "本市其他區縣", "Another district of this city"), ""),
        (4, ("本省其他市", "本省其他市", "Another city of this province"), ""),
        (5, ("外省", "外省", "Another province"), ""),
    ],
    "third_party": [
        (1, ("无", "無", "Nobody"), ""),
        (2, ("家人", "家人", "Family"), ""),
        (3, ("社区干部或网格员", "社區幹部或網格員", "Community staff or grid worker"), ""),
        (4, ("其他人", "其他人", "Somebody else"), ""),
    ],
    "recited": [
        (1, ("不像", "不像", "No"), ""),
        (2, ("可能", "可能", "Possibly"), ""),
        (3, ("明显是", "明顯是", "Clearly"), ""),
    ],
}
SKIP = (-2, ("跳过这题", "跳過這題", "Skip this question"), "refused")
DONT_KNOW: dict[str, Texts] = {
    "dk_seen": ("不了解 / 没遇到过", "不瞭解 / 沒遇到過", "Don't know / not come across"),
    "dk_unclear": ("不清楚", "不清楚", "Not sure"),
    "dk_forgot": ("记不清", "記不清", "Can't remember"),
    "dk_unsure": ("说不清", "說不清", "Hard to say"),
    "dk_night": ("晚上不出门", "晚上不出門", "I don't go out at night"),
    "dk_nothing": ("没有想说的", "沒有想說的", "Nothing to say"),
}

SATISFACTION: list[tuple[str, str, Texts, str]] = [
    (
        "Q01",
        "市容环境",
        (
            "您对住处周边道路和公共场所的干净整洁程度满意吗？",
            "您對住處周邊道路和公共場所的乾淨整潔程度滿意嗎？",
            "How satisfied are you with how clean the roads and public places near your home are?",
        ),
        "",
    ),
    (
        "Q04",
        "交通出行",
        (
            "您对本市的道路通行和停车秩序满意吗？",
            "您對本市的道路通行和停車秩序滿意嗎？",
            "How satisfied are you with traffic and parking in this city?",
        ),
        "",
    ),
    (
        "Q06",
        "老旧小区",
        (
            "您对所在小区的楼道、路灯、管网等设施满意吗？",
            "您對所在小區的樓道、路燈、管網等設施滿意嗎？",
            "How satisfied are you with stairways, street lights, pipes and other facilities where you live?",
        ),
        "",
    ),
    (
        "Q12",
        "政务服务",
        (
            "您对政府部门办事效率满意吗？",
            "您對政府部門辦事效率滿意嗎？",
            "How satisfied are you with how efficiently government offices handle things?",
        ),
        "",
    ),
    (
        "Q14",
        "12345",
        (
            "您反映的问题，办理结果让您满意吗？",
            "您反映的問題，辦理結果讓您滿意嗎？",
            "How satisfied are you with how the matter you raised was dealt with?",
        ),
        "${P04} = 1",
    ),
    (
        "Q15",
        "社会治安",
        (
            "您对本地社会治安满意吗？",
            "您對本地社會治安滿意嗎？",
            "How satisfied are you with public order in your area?",
        ),
        "",
    ),
    (
        "Q16",
        "文明实践",
        (
            "您对社区（村）文明实践活动满意吗？",
            "您對社區（村）文明實踐活動滿意嗎？",
            "How satisfied are you with the civic activities in your community?",
        ),
        "${K05} = 1",
    ),
    (
        "Q20",
        "创建总体",
        (
            "总的来说，您对本市文明城市创建成效满意吗？",
            "總的來說，您對本市文明城市創建成效滿意嗎？",
            "Overall, how satisfied are you with the results of the civilised-city programme?",
        ),
        "",
    ),
]


def survey_rows() -> list[dict[str, object]]:
    """The survey sheet, row by row; texts are triples in the order of LANGUAGES."""
    rows: list[dict[str, object]] = []

    def begin(name: str, title: Texts) -> None:
        rows.append({"type": "begin_group", "name": name, "label": title})

    def end() -> None:
        rows.append({"type": "end_group"})

    def ask(name: str, kind: str, label: Texts, missing: str, topic: str, **more: object) -> None:
        row = {"type": kind, "name": name, "label": label, "minyi_missing": missing, "minyi_topic": topic}
        rows.append(row | {"required": "yes"} | more)

    begin("about", ("先问一件事", "先問一件事", "First of all"))
    ask(
        "S02",
        "integer",
        ("请问您今年多少周岁？", "請問您今年多少周歲？", "How old are you, in full years?"),
        "skip",
        "甄别",
        constraint=". >= 18 and . <= 120",
        constraint_message=(
            "周岁年龄要在 18 到 120 之间，请再看一下。",
            "周歲年齡要在 18 到 120 之間，請再看一下。",
            "Age must be between 18 and 120. Please look again.",
        ),
        hint=(
            "填数字就行。只用来核对样本，不会和您本人对上。",
            "填數字就行。只用來核對樣本，不會和您本人對上。",
            "A number will do. It is used to check the sample, never to identify you.",
        ),
    )
    end()

    begin("awareness", ("您知道吗", "您知道嗎", "What you know"))
    ask(
        "K01",
        "select_one yes_no",
        (
            "您知道本市正在创建全国文明典范城市吗？",
            "您知道本市正在創建全國文明典範城市嗎？",
            "Did you know that this city is working to become a national model civilised city?",
        ),
        "dk_unclear",
        "知晓",
        minyi_index="知晓率",
    )
    ask(
        "K02",
        "select_one know_words",
        (
            "社会主义核心价值观的 24 个字，您知道多少？",
            "社會主義核心價值觀的 24 個字，您知道多少？",
            "How much of the 24-character core socialist values do you know?",
        ),
        "skip",
        "知晓",
        minyi_index="知晓率",
    )
    ask(
        "K03",
        "select_one value_groups",
        (
            "下面哪一组属于个人层面的价值准则？",
            "下面哪一組屬於個人層面的價值準則？",
            "Which of these groups are values for the individual?",
        ),
        "skip",
        "知晓",
        minyi_index="知晓率（客观）",
    )
    ask(
        "K05",
        "select_one yes_no",
        (
            "您知道所在社区（村）有新时代文明实践站吗？",
            "您知道所在社區（村）有新時代文明實踐站嗎？",
            "Did you know that your community has a civic practice station?",
        ),
        "dk_unclear",
        "知晓",
        minyi_index="知晓率",
    )
    end()

    begin("participation", ("您参加过吗", "您參加過嗎", "What you took part in"))
    ask(
        "P01",
        "select_one how_often",
        (
            "近一年，您参加过几次志愿服务活动？",
            "近一年，您參加過幾次志願服務活動？",
            "In the past year, how often have you taken part in volunteering?",
        ),
        "dk_forgot",
        "参与",
        minyi_index="参与率",
    )
    ask(
        "P04",
        "select_one yes_no",
        (
            "近一年，您或家人向社区、12345 反映过问题或建议吗？",
            "近一年，您或家人向社區、12345 反映過問題或建議嗎？",
            "In the past year, have you or your family raised a problem with the community or 12345?",
        ),
        "dk_forgot",
        "参与",
        minyi_index="参与率",
    )
    end()

    begin("satisfaction", ("您满意吗", "您滿意嗎", "How satisfied you are"))
    for name, topic, label, relevant in SATISFACTION:
        more = {"relevant": relevant} if relevant else {"hint": RECENT}
        ask(name, "select_one satisfied", label, "dk_seen", topic, minyi_index="满意度", **more)
    end()

    begin("feelings", ("您的感受", "您的感受", "How you feel"))
    ask(
        "U01",
        "select_one support",
        (
            "总的来说，您支持本市开展文明城市创建吗？",
            "總的來說，您支持本市開展文明城市創建嗎？",
            "Overall, do you support the city's civilised-city programme?",
        ),
        "dk_unsure",
        "支持",
        minyi_index="支持率",
    )
    ask(
        "G01",
        "select_one change",
        (
            "与三年前相比，您家的生活有什么变化？",
            "與三年前相比，您家的生活有什麼變化？",
            "Compared with three years ago, how has your household's life changed?",
        ),
        "dk_unsure",
        "获得感",
        minyi_index="获得感",
    )
    ask(
        "G02",
        "select_one agree",
        (
            "近一年，您和家人从城市建设和公共服务中得到了实惠。您同意吗？",
            "近一年，您和家人從城市建設和公共服務中得到了實惠。您同意嗎？",
            "In the past year, you and your family have benefited from what the city built and provides."
            " Do you agree?",
        ),
        "dk_unsure",
        "获得感",
        minyi_index="获得感",
    )
    ask(
        "G03",
        "select_one change",
        (
            "近一年，您居住的小区和街道有没有变化？",
            "近一年，您居住的小區和街道有沒有變化？",
            "In the past year, how have your neighbourhood and street changed?",
        ),
        "dk_unclear",
        "获得感",
        minyi_index="获得感",
    )
    ask(
        "H01",
        "select_one happy",
        (
            "总的来说，您觉得自己的生活幸福吗？",
            "總的來說，您覺得自己的生活幸福嗎？",
            "All things considered, how happy would you say you are?",
        ),
        "skip",
        "幸福感",
        minyi_index="幸福感",
    )
    ask(
        "H02",
        "range",
        (
            "总的来说，您对目前的生活满意吗？",
            "總的來說，您對目前的生活滿意嗎？",
            "All in all, how satisfied are you with your life these days?",
        ),
        "dk_unsure",
        "幸福感",
        minyi_index="幸福感",
        parameters="start=0 end=10 step=1",
        hint=("0 分最低，10 分最高。", "0 分最低，10 分最高。", "0 is lowest, 10 is highest."),
        minyi_low=("很不满意", "很不滿意", "Very dissatisfied"),
        minyi_high=("非常满意", "非常滿意", "Very satisfied"),
    )
    end()

    begin("safety", ("安全", "安全", "Safety"))
    ask(
        "A01",
        "select_one safe",
        (
            "在目前的社会治安环境下，您感觉安全吗？",
            "在目前的社會治安環境下，您感覺安全嗎？",
            "Given the present public-order situation, do you feel safe?",
        ),
        "dk_unsure",
        "安全感",
        minyi_index="安全感",
    )
    ask(
        "A02",
        "select_one safe",
        (
            "天黑以后，您一个人在住处附近走路感到安全吗？",
            "天黑以後，您一個人在住處附近走路感到安全嗎？",
            "After dark, do you feel safe walking alone near your home?",
        ),
        "dk_night",
        "安全感",
        minyi_index="安全感",
    )
    ask(
        "A03",
        "select_multiple worries",
        (
            "您觉得主要的问题有哪些？",
            "您覺得主要的問題有哪些？",
            "What do you think the main problems are?",
        ),
        "dk_unsure",
        "安全感",
        relevant="${A01} = 1 or ${A01} = 2",
        hint=("可以多选。", "可以多選。", "You may choose more than one."),
    )
    ask(
        "A03_other",
        "text",
        ("请写一写是什么问题", "請寫一寫是什麼問題", "Please say what it is"),
        "",
        "安全感",
        relevant="selected(${A03}, '96')",
        minyi_with="A03",
        hint=PRIVATE,
        minyi_max_length=100,
        minyi_seconds=0,
        required="",
    )
    end()

    begin("closing", ("最后几题", "最後幾題", "Finally"))
    ask(
        "O01",
        "text",
        (
            "您觉得本市最需要改进的一件事是什么？",
            "您覺得本市最需要改進的一件事是什麼？",
            "What one thing in this city most needs improving?",
        ),
        "dk_nothing",
        "开放",
        hint=PRIVATE,
        appearance="multiline",
        minyi_max_length=300,
    )
    ask("D01", "select_one sex", ("您的性别是？", "您的性別是？", "What is your sex?"), "skip", "背景")
    ask(
        "D02",
        "select_one schooling",
        ("您的受教育程度是？", "您的受教育程度是？", "What is the highest schooling you have completed?"),
        "skip",
        "背景",
    )
    ask(
        "D03",
        "select_one hukou",
        ("您的户口登记在哪里？", "您的戶口登記在哪裡？", "Where is your household registration?"),
        "dk_unclear",
        "背景",
    )
    end()

    begin(
        "interviewer", ("访员记录（不问受访者）", "訪員記錄（不問受訪者）", "Interviewer's notes (not asked)")
    )
    ask(
        "M01",
        "select_one third_party",
        ("访问时有第三人在场吗？", "訪問時有第三人在場嗎？", "Was anybody else present?"),
        "",
        "访员记录",
        minyi_modes="door",
    )
    ask(
        "M02",
        "select_one recited",
        (
            "受访者的回答像不像事先背好的？",
            "受訪者的回答像不像事先背好的？",
            "Did the answers sound recited?",
        ),
        "",
        "访员记录",
        minyi_modes="door",
    )
    end()
    return rows


SURVEY_COLUMNS = [
    "type",
    "name",
    *(f"label::{language}" for language in LANGUAGES),
    *(f"hint::{language}" for language in LANGUAGES),
    "relevant",
    "constraint",
    *(f"constraint_message::{language}" for language in LANGUAGES),
    "required",
    "appearance",
    "parameters",
    "minyi_missing",
    "minyi_modes",
    "minyi_seconds",
    "minyi_with",
    *(f"minyi_low::{language}" for language in LANGUAGES),
    *(f"minyi_high::{language}" for language in LANGUAGES),
    "minyi_max_length",
    "minyi_topic",
    "minyi_index",
]
CHOICE_COLUMNS = [
    "list_name",
    "name",
    *(f"label::{language}" for language in LANGUAGES),
    "minyi_missing",
    "minyi_specify",
]


def _cells(row: dict[str, object], columns: list[str]) -> list[object]:
    spread: dict[str, object] = {}
    for key, value in row.items():
        if isinstance(value, tuple):
            spread |= {f"{key}::{language}": text for language, text in zip(LANGUAGES, value, strict=True)}
        else:
            spread[key] = value
    unknown = set(spread) - set(columns)
    if unknown:
        raise KeyError(f"columns without a header: {sorted(unknown)}")
    return [None if spread.get(column) in ("", None) else spread[column] for column in columns]


def choice_rows() -> list[list[object]]:
    """The choices sheet: substantive lists, then the lists of missing answers."""
    rows: list[list[object]] = []
    for name, choices in CHOICES.items():
        for code, texts, flag in choices:
            rows.append([name, code, *texts, None, "yes" if flag == "specify" else None])
    code, texts, kind = SKIP
    rows.append(["skip", code, *texts, kind, None])
    for name, dont_know in DONT_KNOW.items():
        rows.append([name, -1, *dont_know, "dont_know", None])
        rows.append([name, code, *texts, kind, None])
    return rows


def build(path: Path = PATH) -> None:
    """Write the workbook."""
    book = Workbook()
    survey = book.active
    survey.title = "survey"
    survey.append(SURVEY_COLUMNS)
    for row in survey_rows():
        survey.append(_cells(row, SURVEY_COLUMNS))
    choices = book.create_sheet("choices")
    choices.append(CHOICE_COLUMNS)
    for row in choice_rows():
        choices.append(row)
    settings = book.create_sheet("settings")
    titles = [f"form_title::{language}" for language in LANGUAGES]
    settings.append([*titles, "form_title", "form_id", "version", "default_language", "minyi_timezone"])
    settings.append(
        ["居民满意度调查", "居民滿意度調查", "Residents' survey", "居民满意度调查", "minyi_core", "2026.1",
         LANGUAGES[0], "Asia/Shanghai"]
    )  # fmt: skip
    for sheet in book.worksheets:
        sheet.freeze_panes = "C2" if sheet.title == "survey" else "A2"
        for cell in sheet[1]:
            cell.font = Font(bold=True)
        for column in sheet.columns:
            width = max(len(str(cell.value or "")) for cell in column)
            sheet.column_dimensions[column[0].column_letter].width = min(48, max(10, width + 2))
            for cell in column:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    book.save(path)


if __name__ == "__main__":
    build()
