"""Handing out cases: by community, to interviewers of the place, by supervisors of the place."""

import pytest
from django.urls import reverse

from survey.audit.models import AuditEntry
from survey.common.errors import Problem
from survey.fieldwork.models import Assignment
from survey.fieldwork.services import assign_cases
from survey.sampling.models import Case
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_a_supervisor_hands_a_community_to_an_interviewer(client, round_, supervisor, interviewer):
    client.force_login(supervisor)
    community = round_.cases.first().community
    address = reverse("fieldwork:assign", args=[round_.pk])
    page = client.get(address).content.decode()
    assert community.name in page
    assert client.post(address, {f"community-{community.pk}": str(interviewer.pk)}).status_code == 302
    active = Assignment.objects.filter(ended_at__isnull=True)
    assert set(active.values_list("case__community", flat=True)) == {community.pk}
    assert active.count() == round_.cases.filter(community=community).count() == 3
    assert active.first().assigned_by == supervisor
    entry = AuditEntry.objects.get(action="fieldwork.cases.assigned")
    assert entry.detail == {"n_cases": 3, "n_taken_from_others": 0}
    assert f"{interviewer} 3" in client.get(address).content.decode()


def test_reassigning_ends_the_earlier_hand_and_keeps_its_history(
    cases, interviewer, other_interviewer, supervisor
):
    assert assign_cases(cases=cases, interviewer=interviewer, acting_user=supervisor) == 0
    assert assign_cases(cases=cases[:2], interviewer=other_interviewer, acting_user=supervisor) == 2
    ended = Assignment.objects.filter(ended_at__isnull=False)
    assert {row.case_id for row in ended} == {case.pk for case in cases[:2]}
    assert {row.interviewer for row in ended} == {interviewer}
    assert Assignment.objects.filter(ended_at__isnull=True).count() == 3


def test_finished_cases_are_not_handed_out(client, round_, supervisor, interviewer):
    community = round_.cases.first().community
    done = round_.cases.filter(community=community).first()
    Case.objects.filter(pk=done.pk).update(status="completed")
    client.force_login(supervisor)
    address = reverse("fieldwork:assign", args=[round_.pk])
    client.post(address, {f"community-{community.pk}": str(interviewer.pk)})
    assert not Assignment.objects.filter(case=done).exists()
    assert Assignment.objects.count() == 2


def test_nobody_is_sent_where_he_is_no_interviewer(round_, supervisor, official, regions):
    outsider = factories.make_user("zhou", "interviewer", regions["370104000000"])
    for user in (official, outsider):
        with pytest.raises(Problem) as refusal:
            assign_cases(cases=round_.cases.all(), interviewer=user, acting_user=supervisor)
        assert refusal.value.code == "common.invalid"
    assert not Assignment.objects.exists()


def test_a_supervisor_of_one_street_hands_out_its_communities_only(client, round_, regions, interviewer):
    street = regions["370105003000"]
    user = factories.make_user("wu", "supervisor", street)
    client.force_login(user)
    address = reverse("fieldwork:assign", args=[round_.pk])
    inside, outside = set(), set()
    for case in round_.cases.select_related("community"):
        (inside if case.community.path.startswith(street.path) else outside).add(case.community)
    page = client.get(address)
    assert page.status_code == 200
    assert all(community.name in page.content.decode() for community in inside)
    assert not any(f'community-{c.pk}"' in page.content.decode() for c in outside)
    client.post(address, {f"community-{c.pk}": str(interviewer.pk) for c in outside | inside})
    handed = set(Assignment.objects.values_list("case__community", flat=True))
    assert handed == {community.pk for community in inside}


@pytest.mark.parametrize("role", ["official", "analyst", "interviewer"])
def test_others_do_not_hand_out_and_do_not_learn_the_communities(client, round_, regions, role):
    client.force_login(factories.make_user(f"a-{role}", role, regions["370105000000"]))
    for address in (reverse("fieldwork:rounds"), reverse("fieldwork:assign", args=[round_.pk])):
        reply = client.get(address)
        assert reply.status_code == 403
        assert "社区" not in reply.content.decode()
    assert client.post(reverse("fieldwork:assign", args=[round_.pk]), {}).status_code == 403


def test_a_supervisor_elsewhere_finds_no_round(client, round_, regions):
    client.force_login(factories.make_user("zheng", "supervisor", regions["370104000000"]))
    page = client.get(reverse("fieldwork:assign", args=[round_.pk]))
    assert page.status_code == 404 or "没有抽中的户" in page.content.decode()
    assert "现在没有要派的户" in client.get(reverse("fieldwork:rounds")).content.decode()
