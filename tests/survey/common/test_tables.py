"""Tables come as people have them: any encoding, any column order, Chinese or English headers."""

import pytest
from openpyxl import Workbook

from survey.common.errors import Problem
from survey.common.tables import read_table

COLUMNS = {"code": ["代码", "区划代码"], "name": ["名称", "社区名称"]}
TEXT = "名称,区划代码,备注\n济洛路社区,370105001001,\n\n北村,370105001002,老\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_csv_in_any_encoding_gives_the_same_rows(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT.encode(encoding))
    assert list(read_table(path, COLUMNS, ["code"])) == [
        (2, {"code": "370105001001", "name": "济洛路社区"}),
        (4, {"code": "370105001002", "name": "北村"}),
    ]


def test_excel_codes_that_excel_made_numbers_are_whole_again(tmp_path):
    book = Workbook()
    book.active.append(["代码", "Name"])
    book.active.append([370105001001.0, "济洛路社区"])
    book.active.append([370105001002, None])
    book.save(tmp_path / "a.xlsx")
    rows = list(read_table(tmp_path / "a.xlsx", COLUMNS, ["code"]))
    assert rows == [
        (2, {"code": "370105001001", "name": "济洛路社区"}),
        (3, {"code": "370105001002", "name": ""}),
    ]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.csv", b"", "空"),
        ("a.csv", "名称\n北村\n".encode(), "代码"),
        ("a.csv", b"\xff\xfe\xff\x00\x81", "编码"),
        ("a.xlsx", b"not a zip", "Excel"),
        ("a.xls", b"\xd0\xcf\x11\xe0", ".xlsx"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path, name, content, word):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Problem) as refusal:
        list(read_table(path, COLUMNS, ["code"]))
    assert refusal.value.code == "common.bad_file"
    assert word in refusal.value.message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(Problem, match=r"没有的\.csv"):
        list(read_table(tmp_path / "没有的.csv", COLUMNS, []))
