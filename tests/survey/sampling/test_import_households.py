"""A household list becomes an immutable, hashed frame, or nothing."""

import hashlib
import tracemalloc
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from openpyxl import Workbook

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.common.crypto import decrypt
from survey.common.errors import Problem
from survey.jobs.models import Job
from survey.jobs.services import Cancelled, Progress, run_job, start_job
from survey.regions.models import PopulationMargin, Region
from survey.sampling.coverage import excluded_units
from survey.sampling.lines import COLLECTIVE, FAMILY, commit_line, normalise_address
from survey.sampling.models import FrameUnit, FrameVersion
from survey.sampling.services import discard_frame, import_households, stored_frame_hash
from survey.sampling.services.frames import refused_file

pytestmark = [pytest.mark.django_db, pytest.mark.database]

GOOD = [
    ("370105001001", "济洛路1号楼1单元101", "001", "0001", "13800000001", "家庭户"),
    ("370105001001", "济洛路1号楼1单元102", "", "0002", "", ""),
    ("370105003001", "车站街 5 号", "", "0003", "0531-88880000", "family"),
    ("370105003001", "车站街职工宿舍", "", "", "", "集体户"),
]
HEADER = "社区代码,地址,网格,户号,电话,户别"


def write_csv(path, rows, header=HEADER, encoding="utf-8"):
    path.write_bytes("\n".join([header, *(",".join(row) for row in rows)]).encode(encoding))
    return path


@pytest.fixture
def district(regions):
    community = regions["370105001001"]
    Region.objects.create(
        code="370105001001001", path="370105001001001", name="第一网格", level="grid", parent=community
    )
    PopulationMargin.objects.create(
        region=regions["370105000000"],
        source_year=2020,
        variable="households",
        category="family_households",
        value=12,
        source="yearbook",
    )
    return regions["370105000000"]


def load(path, district, **options):
    return import_households(path=path, name="天桥区名录", region=district, acting_user=SYSTEM, **options)


def test_it_stores_each_household_with_its_contact_data_encrypted(tmp_path, district):
    frame = load(write_csv(tmp_path / "h.csv", GOOD), district)
    assert (frame.state, frame.n_households, frame.n_communities) == ("ready", 4, 2)
    first = frame.units.first()
    assert decrypt(first.address_cipher, "sampling.address") == "济洛路1号楼1单元101"
    assert decrypt(first.phone_cipher, "sampling.phone") == "13800000001"
    assert (first.position, first.household_number, first.grid.name) == (1, "0001", "第一网格")
    assert "济洛路".encode() not in bytes(first.address_cipher)
    assert frame.units.get(position=2).phone_cipher is None
    assert list(frame.units.values_list("is_collective", flat=True)) == [False, False, False, True]
    assert frame.source_hash == hashlib.sha256((tmp_path / "h.csv").read_bytes()).hexdigest()
    assert AuditEntry.objects.get(action="sampling.frame.imported").detail["households"] == 4


def test_each_line_opens_with_its_salt_and_the_hash_covers_all_lines(tmp_path, district):
    frame = load(write_csv(tmp_path / "h.csv", GOOD), district)
    for unit in frame.units.select_related("community"):
        address = decrypt(unit.address_cipher, "sampling.address")
        assert unit.commitment == commit_line(
            salt=bytes(unit.salt),
            opaque_id=str(unit.opaque_id),
            community_code=unit.community.code,
            kind=COLLECTIVE if unit.is_collective else FAMILY,
            address=normalise_address(address),
        )
    assert frame.hash_algorithm == "minyi-frame-2"
    assert frame.frame_hash == root_by_the_book(frame) == stored_frame_hash(frame)
    assert list(frame.trees.values_list("community__code", "n_family", "n_collective")) == [
        ("370105001001", 2, 0),
        ("370105003001", 1, 1),
    ]


def root_by_the_book(frame):
    """The frame's root as tree.py words it, split recursively and written without its functions."""

    def root(texts):
        if len(texts) == 1:
            return hashlib.sha256(b"\x00" + texts[0].encode()).digest()
        half = 1 << (len(texts) - 1).bit_length() - 1
        return hashlib.sha256(b"\x01" + root(texts[:half]) + root(texts[half:])).digest()

    records = []
    for code in sorted(set(frame.units.values_list("community__code", flat=True))):
        units = sorted(frame.units.filter(community__code=code), key=lambda u: str(u.opaque_id))
        kinds = ["collective" if u.is_collective else "family" for u in units]
        lines = [
            f"{u.opaque_id}\t{code}\t{kind}\t{u.commitment}" for u, kind in zip(units, kinds, strict=True)
        ]
        family = kinds.count("family")
        records.append(f"{code}\t{family}\t{len(kinds) - family}\t{root(lines).hex()}")
    return root(records).hex()


def test_a_frame_of_the_first_release_is_hashed_as_it_was(tmp_path, district):
    frame = load(write_csv(tmp_path / "h.csv", GOOD), district)
    FrameVersion.objects.filter(pk=frame.pk).update(hash_algorithm="minyi-frame-1")
    lines = "".join(
        f"{u.position}\t{u.opaque_id}\t{u.community.code}\t{'collective' if u.is_collective else 'family'}"
        f"\t{u.commitment}\n"
        for u in frame.units.select_related("community").order_by("position")
    )
    frame.refresh_from_db()
    assert stored_frame_hash(frame) == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize(
    "change", [{"is_collective": True}, {"commitment": "0" * 64}, {"community_id": None}, {"opaque_id": None}]
)
def test_any_altered_line_shows_in_the_hash(tmp_path, district, regions, change):
    frame = load(write_csv(tmp_path / "h.csv", GOOD), district)
    if "community_id" in change:
        change = {"community_id": regions["370105003002"].pk}
    if "opaque_id" in change:
        change = {"opaque_id": "00000000-0000-4000-8000-000000000000"}
    frame.units.filter(position=3).update(**change)
    assert stored_frame_hash(frame) != frame.frame_hash


def test_a_removed_or_added_line_shows_in_the_hash(tmp_path, district):
    frame = load(write_csv(tmp_path / "h.csv", GOOD), district)
    last = frame.units.last()
    last.delete()
    assert stored_frame_hash(frame) != frame.frame_hash


def test_two_imports_of_one_file_have_other_salts_and_ids(tmp_path, district):
    path = write_csv(tmp_path / "h.csv", GOOD)
    first, second = load(path, district), load(path, district)
    assert (second.number, second.source_hash) == (first.number + 1, first.source_hash)
    assert first.frame_hash != second.frame_hash
    assert not set(first.units.values_list("salt", flat=True)) & set(
        second.units.values_list("salt", flat=True)
    )


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gbk", "gb18030"])
def test_english_headers_and_office_encodings_are_read(tmp_path, district, encoding):
    rows = [("济洛路1号楼101", "370105001001")]
    path = write_csv(tmp_path / "h.csv", rows, "Address,community_code", encoding)
    frame = load(path, district)
    assert decrypt(frame.units.get().address_cipher, "sampling.address") == "济洛路1号楼101"


def test_excel_is_read(tmp_path, district):
    book = Workbook()
    book.active.append(["社区代码", "地址"])
    book.active.append([370105001001, "济洛路1号楼101"])
    book.save(tmp_path / "h.xlsx")
    assert load(tmp_path / "h.xlsx", district).n_households == 1


def test_every_bad_row_is_listed_with_its_reason_and_nothing_is_left_behind(tmp_path, district):
    rows = [
        *GOOD[:2],
        ("370105001", "某处", "", "", "", ""),  # row 4: unknown code
        ("370105001000", "某处", "", "", "", ""),  # row 5: a street
        ("370104001001", "某处", "", "", "", ""),  # row 6: another district
        ("370105001002", "  ", "", "", "", ""),  # row 7: no address
        ("", "", "", "", "", ""),  # row 8: empty, skipped
        ("370105001001", "济洛路１号楼 1单元101", "", "", "", ""),  # row 9: doubled, spelt otherwise
        ("370105001002", "某处", "", "", "", "别墅"),  # row 10: unknown kind
        ("370105001001", "别处", "009", "", "", ""),  # row 11: unknown grid
        ("", "没有代码", "", "", "", ""),  # row 12
        ("370105001002", "长" * 301, "", "", "", ""),  # row 13
    ]
    with pytest.raises(Problem) as caught:
        load(write_csv(tmp_path / "h.csv", rows), district)
    assert [error["row"] for error in caught.value.errors] == [4, 5, 6, 7, 9, 10, 11, 12, 13]
    words = [
        "不在区划表",
        "街道",
        "不在天桥区",
        "没有地址",
        "第 2 行重复",
        "别墅",
        "009",
        "没有社区代码",
        "300",
    ]
    for error, word in zip(caught.value.errors, words, strict=True):
        assert word in error["reason"]
    assert caught.value.code == "common.rows_refused"
    assert FrameVersion.objects.count() == 0
    assert FrameUnit.objects.count() == 0
    assert not AuditEntry.objects.filter(action="sampling.frame.imported").exists()


def test_one_address_in_two_communities_is_kept_and_reported(tmp_path, district):
    rows = [("370105001001", "1号楼101"), ("370105001002", "1号楼101")]
    frame = load(write_csv(tmp_path / "h.csv", rows, "社区代码,地址"), district)
    assert frame.checks["same_address_elsewhere"] == 1
    assert frame.checks["same_address_examples"] == [
        {
            "positions": [1, 2],
            "communities": [
                {"code": "370105001001", "name": Region.objects.get(code="370105001001").name},
                {"code": "370105001002", "name": Region.objects.get(code="370105001002").name},
            ],
        }
    ]


def test_a_closed_community_is_refused(tmp_path, district):
    Region.objects.filter(code="370105001001").update(valid_to="2026-01-01")
    with pytest.raises(Problem) as caught:
        load(write_csv(tmp_path / "h.csv", GOOD[:1]), district)
    assert "停用" in caught.value.errors[0]["reason"]


@pytest.mark.parametrize("content", [b"", HEADER.encode(), b"\xff\xfe\x00junk", "户号,电话\n1,2".encode()])
def test_a_file_that_is_no_list_is_refused_in_words(tmp_path, district, content):
    (tmp_path / "h.csv").write_bytes(content)
    with pytest.raises(Problem) as caught:
        load(tmp_path / "h.csv", district)
    assert caught.value.code == "common.bad_file"
    assert FrameVersion.objects.count() == 0


def test_districts_that_a_list_leaves_out_are_named_once(tmp_path, district):
    city = Region.objects.get(code="370100000000")
    checks = load(write_csv(tmp_path / "h.csv", GOOD), city).checks
    assert checks["absent_districts"] == ["槐荫区"]
    assert [d["name"] for d in checks["by_district"]] == ["天桥区"]
    assert not any(c["code"].startswith("370104") for c in checks["empty_communities"])


def test_coverage_is_checked_against_the_tree_and_the_census(tmp_path, district):
    checks = load(write_csv(tmp_path / "h.csv", GOOD), district).checks
    assert (checks["n_family"], checks["n_collective"]) == (3, 1)
    assert [c["code"] for c in checks["empty_communities"]] == [
        "370105001002",
        "370105001003",
        "370105003002",
        "370105003003",
    ]
    assert checks["by_street"] == [
        {"code": "370105001000", "name": "无影山街道", "communities": 3, "family": 2, "collective": 0},
        {"code": "370105003000", "name": "天桥东街街道", "communities": 3, "family": 1, "collective": 1},
    ]
    assert checks["by_district"] == [
        {
            "code": "370105000000",
            "name": "天桥区",
            "family": 3,
            "census_family_households": 12,
            "ratio": 0.25,
            "census_year": 2020,
        }
    ]


def test_sizes_are_compared_with_the_last_frame_of_the_region(tmp_path, district, regions):
    def rows(**numbers):
        return [(f"370105{c[1:]}", f"{c} {i} 号") for c, n in numbers.items() for i in range(n)]

    def checks_of(region=district, **numbers):
        path = write_csv(tmp_path / "h.csv", rows(**numbers), "社区代码,地址")
        return load(path, region).checks["changes"]

    assert checks_of(c001001=50, c001002=30, c003001=4) is None
    other = FrameVersion.objects.create(
        region=regions["370100000000"], number=7, name="全市", state="ready", source_name="x"
    )
    found = checks_of(c001001=75, c001003=2, c003001=4)
    assert other.number < FrameVersion.objects.latest("number").number
    assert (found["since"]["number"], found["family_then"], found["family_now"]) == (1, 84, 81)
    assert (found["n_changed"], found["n_large"], found["n_appeared"], found["n_gone"]) == (3, 2, 1, 1)
    assert [(c["code"], c["then"], c["now"], c["change"]) for c in found["largest"]] == [
        ("370105001002", 30, 0, -30),
        ("370105001001", 50, 75, 25),
        ("370105001003", 0, 2, 2),
    ]


def test_what_cannot_be_drawn_is_listed_with_its_reason(tmp_path, district):
    city = Region.objects.get(code="370100000000")
    units = list(excluded_units(load(write_csv(tmp_path / "h.csv", GOOD), city).checks))
    assert (units[0]["name"], str(units[0]["reason"])) == ("槐荫区", "整个区县不在名录里")
    reasons = {unit["code"]: (unit["n"], str(unit["reason"])) for unit in units}
    assert "没有家庭户" in reasons["370105001002"][1]
    assert reasons["370105003001"][0] == 1
    assert "集体户" in reasons["370105003001"][1]


def test_beyond_five_hundred_bad_rows_are_counted_and_listed_in_a_file(tmp_path, district):
    bad = [("370105009999", f"某处 {i} 号") for i in range(600)]
    doubled = [("370105001001", "同一个门"), ("", ""), *[("370105001001", "同一个门")] * 40]
    path = write_csv(tmp_path / "h.csv", [*bad, *doubled], "社区代码,地址")
    listed = tmp_path / "lists" / "refused.csv"
    with pytest.raises(Problem) as caught:
        load(path, district, refused_list=listed)
    assert (len(caught.value.errors), "640 处" in caught.value.message) == (500, True)
    lines = listed.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "行,原因"
    assert lines[1] == "2,社区代码 370105009999 不在区划表里"
    assert lines[-1] == "643,地址和第 602 行重复（同一社区）"  # row 603 is empty
    assert len(lines) == 641
    assert FrameUnit.objects.count() == 0


def test_a_good_list_leaves_no_file_of_refused_rows(tmp_path, district):
    load(write_csv(tmp_path / "h.csv", GOOD), district, refused_list=tmp_path / "refused.csv")
    assert not (tmp_path / "refused.csv").exists()


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("370105001001", '"1 号\n2 号"'), "引号没有成对"),
        (("370105001001", "1 号\x00楼"), "乱码"),
        (("370105001001", "1 号\ufffd楼"), "乱码"),
    ],
)
def test_texts_that_were_damaged_on_the_way_are_refused(tmp_path, district, cells, words):
    with pytest.raises(Problem) as caught:
        load(write_csv(tmp_path / "h.csv", [cells], "社区代码,地址"), district)
    assert words in caught.value.errors[0]["reason"]


def test_household_numbers_with_odd_characters_are_kept(tmp_path, district):
    odd = ["a\\b", "\\N", "a\tb", "甲·1", "'; --", "0 1"]
    rows = [("370105001001", f"{i} 号", f'"{number}"') for i, number in enumerate(odd)]
    frame = load(write_csv(tmp_path / "h.csv", rows, "社区代码,地址,户号"), district)
    assert list(frame.units.values_list("household_number", flat=True)) == odd


def test_a_finished_frame_cannot_be_discarded(tmp_path, district):
    frame = load(write_csv(tmp_path / "h.csv", GOOD), district)
    with pytest.raises(Problem) as caught:
        discard_frame(frame=frame, acting_user=SYSTEM)
    assert caught.value.code == "common.locked"
    assert frame.units.count() == 4


def test_an_unfinished_frame_can_be_discarded(district):
    frame = FrameVersion.objects.create(region=district, number=9, name="半途", source_name="h.csv")
    discard_frame(frame=frame, acting_user=SYSTEM)
    assert FrameVersion.objects.count() == 0


def test_what_a_killed_import_left_is_cleared_by_the_next(tmp_path, district):
    left = FrameVersion.objects.create(region=district, number=9, name="半途", source_name="h.csv")
    FrameVersion.objects.filter(pk=left.pk).update(created_at=now() - timedelta(days=2))
    running = FrameVersion.objects.create(region=district, number=10, name="正在导入", source_name="h.csv")
    frame = load(write_csv(tmp_path / "h.csv", GOOD), district)
    assert set(FrameVersion.objects.values_list("pk", flat=True)) == {frame.pk, running.pk}


@pytest.mark.django_db(transaction=True)  # a job closes its connection, as a worker does
def test_as_a_job_it_reports_progress_and_can_run_twice(tmp_path, district):
    path = write_csv(tmp_path / "h.csv", GOOD)
    params = {"path": str(path), "name": "名录", "region_code": "370105000000", "delete_file": True}
    job = start_job(
        kind="sampling.import_households", params=params, acting_user=SYSTEM, send=lambda job: None
    )
    left = FrameVersion.objects.create(region=district, number=7, name="半途", source_name="h.csv", job=job)
    run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.result["households"]) == ("done", 4)
    assert not path.exists()
    assert not FrameVersion.objects.filter(pk=left.pk).exists()
    # The worker died after the frame was made and before the job was marked: the job is sent again.
    Job.objects.filter(pk=job.pk).update(state="pending")
    run_job(str(job.pk))
    job.refresh_from_db()
    assert job.state == "done"
    assert FrameVersion.objects.count() == 1


@pytest.mark.django_db(transaction=True)  # a job closes its connection, as a worker does
def test_a_refused_file_lists_its_rows_on_the_job(tmp_path, district):
    path = write_csv(tmp_path / "h.csv", [("370105001001", "", "", "", "", "")])
    params = {"path": str(path), "name": "名录", "region_code": "370105000000"}
    job = start_job(
        kind="sampling.import_households", params=params, acting_user=SYSTEM, send=lambda job: None
    )
    run_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.errors[0]["row"]) == ("failed", 2)
    assert refused_file(job).read_text(encoding="utf-8-sig").splitlines()[1] == "2,没有地址"
    assert path.exists()


def test_an_import_cancelled_while_trees_grow_leaves_nothing(tmp_path, district):
    class LateCancel(Progress):
        def say(self, fraction, message):
            if "指纹" in message:
                Job.objects.filter(pk=self.job.pk).update(cancel_requested=True)
            super().say(fraction, message)

    job = Job.objects.create(kind="sampling.import_households")
    with pytest.raises(Cancelled):
        load(write_csv(tmp_path / "h.csv", GOOD), district, progress=LateCancel(job))
    job.refresh_from_db()
    assert job.progress > 0.7
    assert (FrameVersion.objects.count(), FrameUnit.objects.count()) == (0, 0)


def test_a_cancelled_import_leaves_nothing(tmp_path, district):
    job = Job.objects.create(kind="sampling.import_households", cancel_requested=True)
    with pytest.raises(Cancelled):
        load(write_csv(tmp_path / "h.csv", GOOD), district, progress=Progress(job))
    assert FrameVersion.objects.count() == 0
    assert FrameUnit.objects.count() == 0


def test_the_command_imports_and_lists_what_is_wrong(tmp_path, district, capsys):
    path = write_csv(tmp_path / "h.csv", GOOD)
    call_command("import_households", str(path), region="370105000000", name="名录")
    assert "4 户" in capsys.readouterr().out
    bad = write_csv(tmp_path / "bad.csv", [("370105001001", "", "", "", "", "")])
    with pytest.raises(CommandError, match="1 处"):
        call_command("import_households", str(bad), region="370105000000", name="名录")
    assert "第 2 行" in capsys.readouterr().err
    with pytest.raises(CommandError, match="还没有导入"):
        call_command("import_households", str(path), region="999900000000", name="名录")


def test_memory_stays_flat(tmp_path, district):
    """Python's own memory at 12,000 rows may not exceed that at 3,000 by more than 2 MB.

    The peak is one batch of 2,000 units either way; keeping the rows would add some 10 MB. `make proof`
    measures 100,000 rows in a process of its own.
    """
    small, large = peak_memory(tmp_path, district, 3_000), peak_memory(tmp_path, district, 12_000)
    assert large < small + 2_000_000
    assert large < 20_000_000


def peak_memory(tmp_path, district, n):
    """Peak of Python's memory, in bytes, while a list of n households is imported."""
    path = tmp_path / f"{n}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("社区代码,地址\n")
        file.writelines(f"370105001{i % 3 + 1:03d},济洛路 {i} 号\n" for i in range(n))
    tracemalloc.start()
    try:
        load(path, district)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
