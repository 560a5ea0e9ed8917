"""`import_regions` takes a file whole or not at all."""

import time
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM, verify_chain
from survey.common.errors import Problem
from survey.regions.models import PopulationMargin, Region
from survey.regions.services import import_census, import_regions

pytestmark = [pytest.mark.django_db, pytest.mark.database]

DATA = Path(__file__).parents[3] / "survey" / "demo" / "data"
TREE = [
    ("370000000000", "山东省"),
    ("370100000000", "济南市"),
    ("370105000000", "天桥区"),
    ("370105001000", "无影山街道"),
    ("370105001001", "济洛路社区居委会"),
    ("370105001001001", "第一网格"),
]


def write_csv(path, rows, header="区划代码,名称", encoding="utf-8"):
    lines = [header, *(",".join(row) for row in rows)]
    path.write_bytes("\n".join(lines).encode(encoding))
    return path


def test_it_builds_the_tree_with_grids_below_communities(tmp_path):
    counts = import_regions(path=write_csv(tmp_path / "r.csv", TREE), acting_user=SYSTEM)
    assert counts == {"created": 6, "updated": 0, "unchanged": 0, "closed": 0}
    grid = Region.objects.get(code="370105001001001")
    assert grid.level == "grid"
    assert grid.parent.name == "济洛路社区居委会"
    assert grid.parent.kind_from_code == "居委会"
    assert AuditEntry.objects.get().action == "regions.file.imported"


def test_running_it_twice_changes_nothing(tmp_path):
    path = write_csv(tmp_path / "r.csv", TREE)
    import_regions(path=path, acting_user=SYSTEM)
    before = list(Region.objects.values())
    counts = import_regions(path=path, acting_user=SYSTEM)
    assert counts == {"created": 0, "updated": 0, "unchanged": 6, "closed": 0}
    assert list(Region.objects.values()) == before


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_the_encodings_of_chinese_offices_are_read(tmp_path, encoding):
    import_regions(path=write_csv(tmp_path / "r.csv", TREE, encoding=encoding), acting_user=SYSTEM)
    assert Region.objects.get(code="370105000000").name == "天桥区"


def test_excel_with_codes_as_numbers_is_read_in_any_order_of_rows(tmp_path):
    book = Workbook()
    book.active.append(["统计用区划代码", "名称", "级别"])
    levels = ["省级", "市级", "县级", "乡级", "村级", "网格"]
    for (code, name), level in reversed(list(zip(TREE, levels, strict=True))):
        book.active.append([int(code), name, level])
    book.save(tmp_path / "r.xlsx")
    assert import_regions(path=tmp_path / "r.xlsx", acting_user=SYSTEM)["created"] == 6


def test_a_renamed_region_is_updated_and_the_old_name_is_in_the_audit(tmp_path, regions):
    rows = [("370105001000", "无影山新街道")]
    counts = import_regions(path=write_csv(tmp_path / "r.csv", rows), acting_user=SYSTEM)
    assert counts["updated"] == 1
    assert Region.objects.get(code="370105001000").name == "无影山新街道"
    detail = AuditEntry.objects.get(action="regions.file.imported").detail
    assert detail["renamed"] == [["370105001000", "无影山街道", "无影山新街道"]]
    assert verify_chain()[1] == ""


def test_a_region_closes_with_a_date_and_a_successor_and_stays(tmp_path, regions):
    path = write_csv(
        tmp_path / "r.csv",
        [("370105001002", "无影山中路社区居委会", "2026-07-01", "370105001001")],
        "区划代码,名称,停用日期,继任代码",
    )
    counts = import_regions(path=path, acting_user=SYSTEM)
    assert counts == {"created": 0, "updated": 1, "unchanged": 0, "closed": 1}
    region = Region.objects.get(code="370105001002")
    assert region.valid_to == date(2026, 7, 1)
    assert region.successor.code == "370105001001"
    assert region not in Region.objects.current()
    again = import_regions(path=path, acting_user=SYSTEM)
    assert again == {"created": 0, "updated": 0, "unchanged": 1, "closed": 0}


def test_every_bad_row_is_listed_and_nothing_is_imported(tmp_path):
    rows = [
        *((code, name, "", "") for code, name in TREE[:3]),
        ("37010500", "短了", "", ""),  # row 5
        ("370199001000", "没有上级", "", ""),  # row 6
        ("370105000000", "又是天桥", "", ""),  # row 7
        ("370105002000", "北村街道", "社区", ""),  # row 8
        ("370105003000", "", "", ""),  # row 9
        ("370105004000", "药山街道", "", "370104000000"),  # row 10
        ("370105005000", "宝华街道", "行业", ""),  # row 11
    ]
    path = write_csv(tmp_path / "r.csv", rows, "code,name,level,parent_code")
    with pytest.raises(Problem) as caught:
        import_regions(path=path, acting_user=SYSTEM)
    errors = caught.value.errors
    assert [error["row"] for error in errors] == [5, 6, 7, 8, 9, 10, 11]
    for error, words in zip(
        errors, ["8 位", "370199000000", "第 4 行重复", "街道", "名称", "370105000000", "看不懂"], strict=True
    ):
        assert words in error["reason"]
    assert "7 处" in caught.value.message
    assert Region.objects.count() == 0
    assert AuditEntry.objects.count() == 0


def test_the_command_lists_the_rows_and_fails(tmp_path, capsys):
    path = write_csv(tmp_path / "r.csv", [("370105001000", "无影山街道")])
    with pytest.raises(CommandError, match="1 处"):
        call_command("import_regions", str(path))
    assert "第 2 行" in capsys.readouterr().err


def test_the_real_list_of_jinan_comes_in_whole_and_fast_and_then_its_census(capsys):
    begun = time.perf_counter()
    call_command("import_regions", str(DATA / "jinan_regions.csv"))
    assert time.perf_counter() - begun < 20  # a few seconds; generous for a busy machine
    assert "5937" in capsys.readouterr().out
    assert Region.objects.filter(level="district").count() == 13
    assert Region.objects.filter(level="street").count() == 164
    assert Region.objects.filter(level="community").count() == 5758
    assert import_regions(path=DATA / "jinan_regions.csv", acting_user=SYSTEM)["unchanged"] == 5937

    assert import_census(path=DATA / "census_jinan_2020.csv", acting_user=SYSTEM) == 1190
    assert import_census(path=DATA / "census_jinan_2020.csv", acting_user=SYSTEM) == 1190
    assert PopulationMargin.objects.count() == 1190
    households = PopulationMargin.objects.get(
        region__code="370105000000", variable="households", category="family_households"
    )
    assert households.value == 285093
    districts = PopulationMargin.objects.filter(region__level="district", variable="population")
    city = PopulationMargin.objects.get(region__code="370100000000", variable="population")
    assert sum(margin.value for margin in districts) == city.value


def test_a_census_file_with_bad_rows_is_refused_whole(tmp_path, regions):
    rows = [
        ("population", "total", "370105000000", "100", "yearbook"),
        ("population", "total", "999900000000", "100", "yearbook"),
        ("population", "total", "370104000000", "many", "yearbook"),
        ("population", "total", "370105000000", "101", "yearbook"),
        ("sex", "male", "370105000000", "50", ""),
    ]
    path = write_csv(tmp_path / "c.csv", rows, "variable,category,region_code,value,source")
    with pytest.raises(Problem) as caught:
        import_census(path=path, acting_user=SYSTEM)
    assert [error["row"] for error in caught.value.errors] == [3, 4, 5, 6]
    assert PopulationMargin.objects.count() == 0
