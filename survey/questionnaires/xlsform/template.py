"""A blank XLSForm with example rows and a sheet that says what each column is for."""

from survey.questionnaires.xlsform.exporting import Sheets
from survey.questionnaires.xlsform.workbook import workbook

HANS = "简体中文 (zh-hans)"
SURVEY = [
    "type", "name", f"label::{HANS}", f"hint::{HANS}", "required", "relevant", "constraint",
    f"constraint_message::{HANS}", "appearance", "calculation", "choice_filter", "parameters", "repeat_count",
    "minyi_missing", "minyi_with", "minyi_limits", "minyi_order",
]  # fmt: skip
ROWS = [
    ("begin_group", "about", "先问几句"),
    ("note", "welcome", "一共几分钟，答到哪里都会存。"),
    ("select_one sex", "Q1", "您的性别？", "", "yes", *[""] * 8, "refused"),
    ("integer", "Q2", "您今年多少周岁？", "", "yes", "", ". >= 18 and . <= 120", "请填 18 到 120",
     "", "", "", "", "", "refused"),
    ("end_group", "about"),
    ("begin_group", "views", "说说看法"),
    ("select_one satisfied", "Q3", "您对环境卫生满意吗？", "想想最近半年。", "yes", "", "", "", "", "",
     "", "", "", "not_sure"),
    ("select_one reasons", "Q4", "哪里不满意？", "", "", "${Q3} = 1 or ${Q3} = 2"),
    ("text", "Q4_other", "请说明", "", "", "${Q4} = 96", "", "", "", "", "", "", "", "", "Q4"),
    ("select_multiple ways", "Q5", "您用过哪些办法反映问题？", "", "", "", "", "", "", "", "", "", "", "", "",
     "max=3", "random last=1"),
    ("range", "Q6", "总的来说，您给生活打几分？", "0 最低，10 最高", *[""] * 7,
     "start=0 end=10 step=1", "", "not_sure"),
    ("rank worries", "Q7", "哪几样最该先办？按先后选两样", *[""] * 12,
     "min=2 max=2", "random"),
    ("calculate", "decade", "", "", "", "", "", "", "", "int(${Q2} div 10)"),
    ("end_group", "views"),
    ("begin_repeat", "family", "和您同住的家人", "", "", "", "", "", "", "", "", "", "", "", "", "max=5"),
    ("integer", "years", "多大年纪？"),
    ("end_repeat", "family"),
]  # fmt: skip
CHOICES = ["list_name", "name", f"label::{HANS}", "minyi_missing", "minyi_specify", "minyi_exclusive"]
OPTIONS = [
    ("sex", "1", "男"), ("sex", "2", "女"),
    ("satisfied", "5", "非常满意"), ("satisfied", "4", "比较满意"), ("satisfied", "3", "一般"),
    ("satisfied", "2", "不太满意"), ("satisfied", "1", "非常不满意"),
    ("reasons", "1", "垃圾清运"), ("reasons", "2", "楼道卫生"), ("reasons", "96", "其他", "", "yes"),
    ("ways", "1", "打 12345 热线"), ("ways", "2", "找居委会"), ("ways", "3", "在微信群里说"),
    ("ways", "9", "没有反映过", "", "", "yes"),
    ("worries", "1", "停车"), ("worries", "2", "路灯"), ("worries", "3", "垃圾分类"),
    ("not_sure", "-1", "不了解", "dont_know"), ("not_sure", "-2", "跳过这题", "refused"),
    ("refused", "-2", "跳过这题", "refused"),
]  # fmt: skip
SETTINGS = ["form_title", "form_id", "version", "default_language", "minyi_timezone"]
SETTING = ("居民满意度问卷", "my_survey", "1", HANS, "Asia/Shanghai")
HELP = [
    ("哪一列", "写什么", "例子"),
    ("survey · type", "题型：select_one 选项表、select_multiple 选项表、rank 选项表、range、integer、"
     "decimal、text、date、time、datetime、geopoint、image、note、calculate；begin_group 和 end_group、"
     "begin_repeat 和 end_repeat", "select_one satisfied"),
    ("survey · name", "题名，字母开头，一题一个；以后各轮不要改", "Q3"),
    ("survey · label::…", "题目。要几种语言加几列：label::繁體中文 (zh-hant)、label::English (en)", "性别？"),
    ("survey · relevant", "什么时候问。不写就都问", "${Q3} = 1 or ${Q3} = 2"),
    ("survey · constraint", "回答要满足的条件，点代表这一题的回答", ". >= 18 and . <= 120"),
    ("survey · minyi_missing", "不了解、跳过这类不算分的回答用哪张选项表", "not_sure"),
    ("survey · minyi_with", "附在前面哪一题下面（其他请说明）", "Q4"),
    ("survey · minyi_limits", "最少、最多选几项；重复组最少、最多几个", "min=1 max=3"),
    ("survey · minyi_order", "选项或组里的题随机出现，头尾各固定几个", "random last=1"),
    ("choices · name", "选项代码，数字或字母；越高越好。−1 留给不了解，−2 留给跳过", "5"),
    ("choices · minyi_missing", "dont_know 或 refused", "dont_know"),
    ("choices · minyi_specify", "选了要说明的写 yes", "yes"),
    ("choices · minyi_exclusive", "和别的互斥的写 yes（都没有）", "yes"),
    ("settings · default_language", "没有写语言的 label 列是哪种语言", HANS),
]  # fmt: skip


def template_xlsx() -> bytes:
    """The blank form as .xlsx. Its example rows import as they stand; the author writes over them."""
    sheets: Sheets = {
        "survey": (SURVEY, [dict(zip(SURVEY, row, strict=False)) for row in ROWS]),
        "choices": (CHOICES, [dict(zip(CHOICES, row, strict=False)) for row in OPTIONS]),
        "settings": (SETTINGS, [dict(zip(SETTINGS, SETTING, strict=True))]),
    }
    return workbook(sheets, notes={"minyi_说明": HELP})
