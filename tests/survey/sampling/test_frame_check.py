"""The operator's check names the household that is not the one imported, and says what differs."""

import csv

import pytest
from django.core.management import CommandError, call_command

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.crypto import encrypt, keyed_hash
from survey.common.errors import Problem
from survey.jobs.models import Job
from survey.jobs.services import run_job, start_job
from survey.sampling.frame_check import altered_communities, altered_households
from survey.sampling.frame_trees import community_lines, recorded_roots
from survey.sampling.lines import FAMILY, commit_line, normalise_address
from survey.sampling.models import FrameUnit, FrameVersion
from survey.sampling.services import check_frame, stored_frame_hash
from tests.factories import make_frame

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def frame(regions):
    return make_frame(regions["370105000000"], households=5)


def write_public(frame, path):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["community_code", "opaque_id", "kind", "commitment"])
        for root in recorded_roots(frame):
            for line in community_lines(frame, root.community_id):
                writer.writerow([root.code, line.opaque_id, line.kind, line.commitment])
    return path


def test_an_untouched_frame_is_sound_and_the_check_is_on_record(frame, tmp_path):
    public = write_public(frame, tmp_path / "public.csv")
    check = check_frame(frame=frame, acting_user=SYSTEM, public_list=public)
    assert check.is_sound
    assert (check.communities, check.households) == ([], [])
    assert AuditEntry.objects.get(action="sampling.frame.checked").detail["is_sound"] is True


def test_a_swapped_address_is_named_though_no_hash_changed(frame):
    unit = frame.units.get(position=7)
    frame.units.filter(pk=unit.pk).update(address_cipher=encrypt("别处 9 号", "sampling.address"))
    check = check_frame(frame=frame, acting_user=SYSTEM)
    assert (check.hash_matches, check.n_communities, check.n_households) == (True, 0, 1)
    found = check.households[0]
    assert (found.position, found.opaque_id) == (7, str(unit.opaque_id))
    assert (found.community_code, found.what) == (unit.community.code, "地址被改过")
    assert not check.is_sound


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"address_cipher": b"\x01\x01x"}, "解不开"),
        ({"is_collective": True}, "户别被改过"),
        ({"salt": b"x" * 16}, "盐或承诺值"),
        ({"commitment": "0" * 64}, "盐或承诺值"),
        ({"opaque_id": "00000000-0000-4000-8000-000000000000"}, "盐或承诺值"),
        ({"address_hash": "0" * 64}, "地址指纹"),
    ],
)
def test_each_kind_of_change_is_named_in_words(frame, change, words):
    frame.units.filter(position=7).update(**change)
    assert [(found.position, words in found.what) for found in altered_households(frame)] == [(7, True)]


def test_a_household_moved_to_another_community_says_where_it_was(frame, regions):
    was = frame.units.get(position=7).community
    to = regions["370105003003"]
    frame.units.filter(position=7).update(community=to)
    (found,) = altered_households(frame)
    assert (found.position, found.community_code) == (7, to.code)
    assert was.code in found.what
    assert {community.code for community in altered_communities(frame)} == {was.code, to.code}


def test_a_forged_line_shows_in_its_community_and_by_name_against_the_public_list(frame, tmp_path):
    """Salt, commitment and fingerprint were all made anew for another address."""
    public = write_public(frame, tmp_path / "public.csv")
    unit = frame.units.get(position=7)
    address = normalise_address("亲戚家 1 号")
    unit.address_cipher = encrypt("亲戚家 1 号", "sampling.address")
    unit.address_hash = keyed_hash(address, "sampling.address")
    unit.commitment = commit_line(
        salt=bytes(unit.salt),
        opaque_id=str(unit.opaque_id),
        community_code=unit.community.code,
        kind=FAMILY,
        address=address,
    )
    unit.save()
    check = check_frame(frame=frame, acting_user=SYSTEM)
    assert (check.hash_matches, check.n_households) == (False, 0)
    assert [found.code for found in check.communities] == [unit.community.code]
    check = check_frame(frame=frame, acting_user=SYSTEM, public_list=public)
    assert [(found.position, found.what) for found in check.households] == [
        (7, "承诺值和公开名单不一样：地址或盐被换过")
    ]


def test_removed_and_added_households_are_counted_and_named(frame, tmp_path, regions):
    public = write_public(frame, tmp_path / "public.csv")
    gone = frame.units.get(position=7)
    gone.delete()
    copied = frame.units.get(position=1)
    copied.pk, copied.position, copied.opaque_id = None, 999, "00000000-0000-4000-8000-000000000000"
    copied.save(force_insert=True)
    check = check_frame(frame=frame, acting_user=SYSTEM, public_list=public)
    words = {found.code: found.what for found in check.communities}
    assert "有 5 户，现在有 4 户" in words[gone.community.code]
    assert "有 5 户，现在有 6 户" in words[copied.community.code]
    named = {(found.position, found.what) for found in check.households}
    assert (0, "公开名单里有，现在的名录里没有") in named
    assert (999, "公开名单里没有这一户") in named


def test_a_community_that_is_gone_or_new_is_named(frame, regions):
    moved = regions["370105001001"]
    frame.units.filter(community=moved).update(community=regions["370104000000"])
    words = {found.code: found.what for found in altered_communities(frame)}
    assert words == {
        "370104000000": "名录里本来没有这个社区的住户",
        "370105001001": "住户全都不在了",
    }


def test_the_command_names_the_households_and_fails(frame, tmp_path, capsys):
    call_command("check_frame", str(frame.number))
    assert "没有改动：每一户都和导入时一样。共 30 户" in capsys.readouterr().out
    frame.units.filter(position=7).update(is_collective=True)
    with pytest.raises(CommandError, match="1 个社区，1 户"):
        call_command("check_frame", str(frame.number))
    assert "名录第 7 户：户别被改过" in capsys.readouterr().err
    with pytest.raises(CommandError, match="没有第 99 版"):
        call_command("check_frame", "99")
    (tmp_path / "x.csv").write_text("a,b\n", encoding="utf-8")
    with pytest.raises(CommandError, match="表头应是"):
        call_command("check_frame", str(frame.number), against=str(tmp_path / "x.csv"))


def test_a_forged_root_shows_in_the_whole_hash(frame):
    """Counts in the records are part of the frame's hash: a size cannot be changed alone."""
    frame.trees.filter(community__code="370105001001").update(n_family=6)
    check = check_frame(frame=frame, acting_user=SYSTEM)
    assert check.hash_matches  # what is stored of households still gives the published hash
    assert [(found.code, found.what) for found in check.communities] == [
        ("370105001001", "导入时有 6 户，现在有 5 户")
    ]
    frame.frame_hash = "0" * 64
    frame.save()
    frame.trees.filter(community__code="370105001001").update(n_family=5)
    assert "整份名录的指纹" in check_frame(frame=frame, acting_user=SYSTEM).words


def test_a_frame_that_is_being_imported_cannot_be_checked(regions):
    frame = FrameVersion.objects.create(region=regions["370105000000"], number=9, source_name="x")
    with pytest.raises(Problem) as caught:
        check_frame(frame=frame, acting_user=SYSTEM)
    assert caught.value.code == "common.busy"


def test_a_frame_of_the_first_release_is_checked_by_its_hash_and_its_lines(frame):
    frame.trees.all().delete()
    frame.hash_algorithm = "minyi-frame-1"
    frame.save()
    frame.frame_hash = stored_frame_hash(frame)
    frame.save()
    assert check_frame(frame=frame, acting_user=SYSTEM).is_sound
    FrameUnit.objects.filter(frame=frame, position=7).update(is_collective=True)
    check = check_frame(frame=frame, acting_user=SYSTEM)
    assert (check.hash_matches, [found.position for found in check.households]) == (False, [7])


@pytest.mark.django_db(transaction=True)  # a job closes its connection, as a worker does
def test_as_a_job_it_keeps_what_it_found(frame):
    frame.units.filter(position=7).update(is_collective=True)
    job = start_job(
        kind="sampling.check_frame", params={"frame": frame.pk}, acting_user=SYSTEM, send=lambda job: None
    )
    run_job(str(job.pk))
    job = Job.objects.get(pk=job.pk)
    result = job.result
    assert job.message == "和导入时不一样：1 个社区，1 户。"
    assert (result["is_sound"], result["n_households"]) == (False, 1)
    assert result["households"][0]["what"] == "户别被改过"
