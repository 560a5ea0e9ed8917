"""Other people's forms: each imports, or is refused with the exact reason and the cell."""

import re
from pathlib import Path

import pytest

from survey.questionnaires.document import items_of
from survey.questionnaires.xlsform import export_xlsform, read_xlsform

FOLDER = Path(__file__).parent / "xlsforms"
PLACE = re.compile(r"[^!]+![A-Z]*\d+")  # survey!H12, or the row alone where the column is missing

# form → number of items and language, when it imports
IMPORTS = {
    "XlsFormUtil__KoBoXLSFormExamples.xlsx": (15, "en"),
    "central-backend__simple.xlsx": (2, "en"),
    "old_excel.xls": (2, "zh-hans"),
    "pyxform__extra_columns.xlsx": (1, "en"),
    "pyxform__extra_sheet_names.xlsx": (1, "en"),
    "pyxform__field-list.xlsx": (1, "en"),
    "pyxform__specify_other.xlsx": (2, "en"),
    "pyxform__survey_no_name.xlsx": (1, "en"),
    "pyxform__text_and_integer.xlsx": (2, "en"),
    "xlsform2lstsv__testB.xlsx": (45, "en"),
}
# form → what refuses it: cell → words of the reason. Other errors may stand beside these.
REFUSED = {
    # four options of one list share their codes with others
    "XlsFormUtil__demo_adapt1.xlsx": {"choices!B7": "“never”在“school_list”里用过了", "choices!B13": "-99"},
    "liberiaS3Mforms__liberiaCoverage.xlsx": {"choices!B155": "“spid”里用过了（第 125 行）"},
    "liberiaS3Mforms__liberiaCoverageVillageForm.xlsx": {"choices!B35": "“spid”里用过了（第 5 行）"},
    # an option without a text
    "pyxform__ODKValidateWarnings.xlsx": {"choices!2": "缺少English文字"},
    # lists in files, typographic quotation marks in expressions
    "pyxform__UCL_Biomass_Plot_Form.xlsx": {
        "survey!H9": "‘other’",
        "survey!A16": "select_one_from_file UCL_regions.csv",
        "survey!H32": "‘yes’",
    },
    "pyxform__attribute_columns_test.xlsx": {
        "survey!A35": "“barcode”",
        "survey!A37": "“audio”",
        "survey!A38": "“video”",
    },
    "pyxform__flat_xlsform_test.xlsx": {
        "survey!A35": "“barcode”",
        "survey!A37": "“audio”",
        "survey!A38": "“video”",
    },
    "pyxform__xlsform_spec_test.xlsx": {
        "survey!A35": "“barcode”",
        "survey!A37": "“audio”",
        "survey!A38": "“video”",
    },
    "pyxform__bad_calc.xlsx": {"survey!D2": "看不懂"},
    "pyxform__case_insensitivity.xlsx": {"SURVEY!A3": "select_one_external", "SURVEY!A4": "“osm c1”"},
    "pyxform__duplicate_columns.xlsx": {"survey!E1": "有两列都叫“label”"},
    "pyxform__include.xlsx": {"survey!A3": "“include”：它要别的文件"},
    "pyxform__include_json.xlsx": {"survey!A2": "“include”：它要别的文件"},
    "pyxform__loop.xlsx": {"survey!A3": "“begin loop over toilet_type”"},
    # a filter that asks for a column that the list does not have
    "pyxform__or_other.xlsx": {"survey!D3": "选项表里没有这一列"},
    "pyxform__xl_date_ambiguous.xlsx": {"survey!L5": "看不懂"},
    # options whose texts are answers
    "pyxform__xl_date_ambiguous_v1.xlsx": {"choices!C2": "插入了回答“${name1}”"},
    "web-forms__all-question-types-v2024091201-3.xlsx": {
        "survey!M23": "要写成整数",
        "survey!A42": "“audio”",
        "survey!A46": "“file”",
    },
    # codes of options with blanks in them
    "web-forms__ifrc-distribution-site-assessment-v1.xlsx": {"choices!B14": "选项代码里不能有空格"},
    # forms in German
    "xlsform2lstsv__all_types_survey.xlsx": {"settings!C2": "这里的语言是“de”"},
    "xlsform2lstsv__mitwirken_umfrage.xlsx": {"settings!D2": "这里的语言是“Deutsch (de)”"},
    "xlsform2lstsv__testA.xlsx": {"settings!C2": "这里的语言是“Deutsch”"},
    "xlsform2qgis__service_rating.xlsx": {"survey!B35": "没有“country”这种题型"},
}


def test_every_form_of_the_folder_stands_in_one_of_the_tables():
    files = {path.name for path in FOLDER.iterdir() if path.suffix in (".xls", ".xlsx")}
    assert len(files) == 33
    assert files == set(IMPORTS) | set(REFUSED)
    assert not set(IMPORTS) & set(REFUSED)


@pytest.mark.parametrize("name", sorted(IMPORTS))
@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
def test_a_form_that_the_document_can_carry_imports(name):
    document, problems = read_xlsform(FOLDER / name)
    assert document is not None, [str(problem) for problem in problems]
    count, language = IMPORTS[name]
    assert sum(1 for _item in items_of(document)) == count
    assert document["default_language"] == language
    assert all(PLACE.fullmatch(each.cell) for each in problems if each.level == "lost")
    assert read_xlsform(export_xlsform(document))[0] == document


@pytest.mark.parametrize("name", sorted(REFUSED))
@pytest.mark.filterwarnings("ignore::UserWarning:openpyxl")
def test_a_form_that_it_cannot_carry_is_refused_with_the_reason_and_the_cell(name):
    document, problems = read_xlsform(FOLDER / name)
    assert document is None
    errors = [problem for problem in problems if problem.level == "error"]
    assert all(PLACE.fullmatch(each.cell) for each in errors)
    for cell, words in REFUSED[name].items():
        assert any(each.cell == cell and words in each.message for each in errors), (cell, words)
