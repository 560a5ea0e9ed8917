"""A poster's way in: WeChat only, one answer per openid and round, a sample of its own to the report."""

import copy
import re
import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest

from survey.audit.services import SYSTEM
from survey.common.clock import today
from survey.common.errors import Problem
from survey.reports.method import _modes
from survey.responses.models import Flag, Respondent, Response, VolunteerAnswer
from survey.responses.retention import destroy_contact_data
from survey.responses.services import withdraw_response
from survey.responses.volunteers import (
    BURST,
    CLEARED,
    SAME_ANSWERS,
    SAME_DEVICE,
    THRESHOLDS,
    rule_words,
    volunteer_tally,
)
from survey.wechat.identity import forget_identity
from survey.wechat.models import Poster, PosterEntry
from survey.wechat.posters import close_poster, make_posters, poster_rows, print_posters
from survey.wechat.services import save_account
from tests.residents import ANSWERS, Phone, make_open_round, make_version, small_document
from tests.survey.wechat.conftest import APP_ID, SECRET
from tests.survey.wechat.test_oauth import authorise

pytestmark = [pytest.mark.django_db, pytest.mark.database]
MORE = ("Q03", "Q04", "Q05", "Q06")


def longer_document():
    """Nine closed items: enough that the same answers to all of them are no chance."""
    document = small_document()
    items = document["blocks"][0]["items"]
    items += [{**copy.deepcopy(items[0]), "name": name} for name in MORE]
    return document


@pytest.fixture
def round_(regions):
    return make_open_round(regions["370105000000"], questionnaire_version=make_version(longer_document()))


@pytest.fixture
def account(round_, sandbox, settings):
    settings.WECHAT_API_BASE = settings.WECHAT_OPEN_BASE = sandbox.url
    settings.PUBLIC_URL = "http://testserver"
    sandbox.control.add_residents({f"v{n}": f"居民 {n}" for n in range(20)})
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=["testserver"])
    return save_account(
        slug="jinan",
        name="济南民意",
        app_id=APP_ID,
        app_secret=SECRET,
        studies=[round_.study],
        acting_user=SYSTEM,
    )


@pytest.fixture
def community(round_):
    return round_.cases.order_by("number").first().community


@pytest.fixture
def poster(account, round_, community):
    return make_posters(round=round_, regions=[community], label="北门公告栏", acting_user=SYSTEM)[0]


def scan(poster, resident, phone=None):
    """From the poster to the welcome, through WeChat's log-in."""
    phone = phone or Phone(in_wechat=True)
    assert phone.http.get(f"/p/{poster.code}").status_code == 200
    start = phone.post(f"/p/{poster.code}", {})
    assert start.status_code == 302, start.content.decode()
    login = phone.http.get(start["Location"])["Location"] if "oauth/start" in start["Location"] else ""
    page = phone.land(phone.http.get(authorise(login, resident)) if login else start)
    assert page.status_code == 200, page.content.decode()[:400]
    return phone


def answer(poster, resident, phone=None, **answers):
    """A whole volunteer's visit; the reply of handing in."""
    phone = scan(poster, resident, phone)
    phone.client_id = str(uuid.uuid4())
    phone.consent()
    given = {**ANSWERS, **dict.fromkeys(MORE, 2), **answers}
    return phone.submit(given)


def test_a_volunteer_answers_without_a_household_and_stays_apart(poster, round_, community):
    phone = scan(poster, "v0")
    welcome = phone.http.get(phone.home).content.decode()
    assert "海报贴在" in welcome and "不和抽样调查的结果合在一起" in welcome and "信寄往" not in welcome
    assert phone.consent().status_code == 200 and phone.settings_of_form()["mode"] == "web"
    given = {**ANSWERS, **dict.fromkeys(MORE, 3)}
    assert phone.submit(given).status_code == 201
    response = Response.objects.get()
    assert response.sample_kind == "volunteer" and response.case is None
    assert response.region == community
    assert VolunteerAnswer.objects.get().response == response
    assert PosterEntry.objects.get().poster == poster
    assert "收到了" in phone.http.get(phone.home + "thanks").content.decode()


def test_outside_wechat_the_poster_says_how_and_lets_nobody_in(poster):
    phone = Phone()
    page = phone.http.get(f"/p/{poster.code}")
    assert "扫一扫" in page.content.decode() and "打开看看" not in page.content.decode()
    assert phone.post(f"/p/{poster.code}", {}).status_code == 200
    assert not Respondent.objects.exists()


def test_looking_at_a_poster_leaves_no_cookie_and_no_row(poster):
    phone = Phone(in_wechat=True)
    page = phone.http.get(f"/p/{poster.code}")
    assert not page.cookies and not Respondent.objects.exists()


def test_nobody_answers_before_the_log_in_has_come_back(poster):
    phone = Phone(in_wechat=True)
    phone.post(f"/p/{poster.code}", {})
    key = Respondent.objects.get().public_id
    assert phone.http.get(f"/r/{key}/form")["Location"].startswith("/wechat/oauth/start/")


def test_one_openid_answers_once_from_whatever_phone(poster):
    assert answer(poster, "v0").status_code == 201
    second = scan(poster, "v0")
    assert second.http.get(second.home).status_code == 302, "her own answer, not a second questionnaire"
    assert Response.objects.count() == 1


def test_two_phones_of_one_openid_at_the_same_time_hand_in_once(poster):
    first, second = scan(poster, "v0"), scan(poster, "v0")
    first.consent()
    second.consent()
    given = {**ANSWERS, **dict.fromkeys(MORE, 2)}
    late = (second.body(given), second.settings_of_form()["csrf"])
    assert first.submit(given).status_code == 201
    refused = second.send(*late)
    assert refused.status_code == 409 and refused.json()["code"] == "responses.volunteer_answered"
    assert Response.objects.count() == 1


def test_after_a_withdrawal_the_openid_may_answer_again(poster):
    answer(poster, "v0")
    withdraw_response(response=Response.objects.get(), reason="x", acting_user=SYSTEM)
    assert not VolunteerAnswer.objects.exists()
    assert answer(poster, "v0", Q03=1).status_code == 201


def test_the_same_answers_at_one_place_are_flagged_kept_and_left_out(poster, round_):
    answer(poster, "v0")
    answer(poster, "v1")
    answer(poster, "v2", Q03=5)
    tally = volunteer_tally(round_)
    assert (tally.received, tally.accepted, tally.flagged) == (3, 1, 2)
    assert tally.kinds == {SAME_ANSWERS: 2}
    assert Response.objects.counted().count() == 3, "nothing is thrown away"


def test_one_phone_with_two_identities_is_flagged(poster, round_):
    phone = Phone(in_wechat=True)
    answer(poster, "v0", phone)
    answer(poster, "v1", phone, Q03=4)
    assert volunteer_tally(round_).kinds == {SAME_DEVICE: 2}


def test_many_answers_in_few_minutes_are_flagged(poster, round_):
    for n in range(THRESHOLDS["answers"]):
        assert answer(poster, f"v{n}", age=20 + n).status_code == 201
    assert volunteer_tally(round_).kinds == {BURST: THRESHOLDS["answers"]}


def test_revoking_and_the_retention_date_cut_the_tie_and_keep_the_answers(poster, round_):
    answer(poster, "v0")
    answer(poster, "v1")
    ids = list(VolunteerAnswer.objects.order_by("pk").values_list("identity_hash", flat=True))
    forget_identity(openid_hash=ids[0], acting_user=SYSTEM)
    assert VolunteerAnswer.objects.get().identity_hash == ids[1]
    round_.retention_until = today() - timedelta(days=1)
    round_.save()
    destroy_contact_data(round=round_, acting_user=SYSTEM)
    assert not VolunteerAnswer.objects.exists()
    assert Response.objects.counted().count() == 2 and volunteer_tally(round_).flagged == 2


def test_a_doubt_that_somebody_cleared_counts_again(poster, round_):
    answer(poster, "v0")
    answer(poster, "v1")
    Flag.objects.update(verdict=CLEARED)
    assert volunteer_tally(round_).accepted == 2


def test_a_network_that_opens_too_many_is_stopped(poster, monkeypatch):
    monkeypatch.setattr("survey.wechat.posters.NETWORK_LIMIT", 2)
    for _ in range(2):
        assert Phone(in_wechat=True).post(f"/p/{poster.code}", {}).status_code == 302
    assert Phone(in_wechat=True).post(f"/p/{poster.code}", {}).status_code == 429


def test_a_poster_that_was_taken_down_opens_nothing(poster):
    close_poster(poster=poster, acting_user=SYSTEM)
    assert Phone(in_wechat=True).http.get(f"/p/{poster.code}").status_code == 404


def test_posters_hang_in_communities_and_grids_of_the_study_only(round_, regions):
    with pytest.raises(Problem):
        make_posters(round=round_, regions=[regions["370105000000"]], label="", acting_user=SYSTEM)
    with pytest.raises(Problem):
        make_posters(round=round_, regions=[], label="", acting_user=SYSTEM)
    assert not Poster.objects.exists()


def test_the_report_prints_counted_and_flagged_volunteers_with_the_rule():
    response = {
        "modes": {"web": 30},
        "volunteers": 12,
        "volunteers_flagged": 4,
        "volunteer_rule": THRESHOLDS,
    }
    said = "".join(_modes({"response": response}))
    assert "12 份自愿参加" in said and "点数 8 份" in said and "不点数 4 份" in said
    assert rule_words() in said
    older = {"modes": {"web": 30}, "volunteers": 12}
    assert "不点数" not in "".join(_modes({"response": older}))


def test_the_sheet_prints_eight_posters_on_a_page(poster, round_, community):
    pages = re.compile(rb"/Type\s*/Page\b")
    make_posters(round=round_, regions=[community] * 8, label="南门", acting_user=SYSTEM)
    posters = list(Poster.objects.select_related("round__study", "region"))
    sheet = print_posters(posters=posters, per_page=8)
    single = print_posters(posters=posters[:2], per_page=1)
    assert sheet.startswith(b"%PDF") and len(pages.findall(sheet)) == 2 == len(pages.findall(single))


def test_the_team_sees_who_opened_and_who_counts(poster, round_):
    answer(poster, "v0")
    scan(poster, "v1")
    row = poster_rows(Poster.objects.filter(round=round_))[0]
    found = SimpleNamespace(**row)
    assert (found.n_opened, found.n_answered, found.place_counts) == (2, 1, (1, 0))
