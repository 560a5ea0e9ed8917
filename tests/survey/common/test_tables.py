"""Tables come as people have them: any encoding, any column order, Chinese or English headers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
        ("a.csv", "名称,代码\n北村,1\n".encode("utf-16"), "UTF-16"),
        ("a.csv", f'名称,代码\n"{"北村" * 70_000}'.encode(), "第 2 行附近"),
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


@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("gbk", "GBK")])
def test_each_broken_line_is_named_and_never_read_as_rubbish(tmp_path, encoding, name):
    good = [f"第{i}社区,37010500100{i}".encode(encoding.removesuffix("-sig")) for i in range(6)]
    # Three bytes of UTF-8 cut to two; half a character of GBK before the comma.
    good[2] = good[2].replace("社".encode(encoding.removesuffix("-sig")), b"\xe7\xa4")
    good[4] = good[4].replace(b",", b"\xc9,")
    path = tmp_path / "a.csv"
    path.write_bytes(b"\n".join(["名称,代码".encode(encoding), *good]))
    with pytest.raises(Problem) as refusal:
        list(read_table(path, COLUMNS, ["code"]))
    broken = [4, 6] if encoding.startswith("utf") else [6]
    assert [error["row"] for error in refusal.value.errors] == broken
    assert refusal.value.code == "common.rows_refused"
    assert name in refusal.value.errors[0]["reason"]


def test_one_broken_first_line_does_not_change_the_encoding(tmp_path):
    path = tmp_path / "a.csv"
    lines = [b"name,code", "济\u6d1b社区,1".encode()[1:], *(f"北村{i},2".encode() for i in range(5))]
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(Problem) as refusal:
        list(read_table(path, COLUMNS, ["code"]))
    assert [error["row"] for error in refusal.value.errors] == [2]


@given(
    st.lists(
        st.text(alphabet=st.characters(codec="gb18030", exclude_characters='\r\n,"\x00\ufeff'), min_size=1)
        .map(str.strip)
        .filter(bool),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["utf-8-sig", "gb18030"]),
)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_comes_back(tmp_path, names, encoding):
    # As Excel writes them: UTF-8 with a mark, or GB18030 with a Chinese header.
    path = tmp_path / "a.csv"
    path.write_bytes("\n".join(["社区名称,区划代码", *(f"{n},{n}" for n in names)]).encode(encoding))
    assert [cells["name"] for _row, cells in read_table(path, COLUMNS, ["name"])] == names
