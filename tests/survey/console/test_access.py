"""Who reaches which address: every address of the program has a stated rule, for every role.

The walk goes over the URL resolver: an address without a rule fails the test, so that a new page says who may
see it before it is merged.
"""

import re

import pytest
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from survey.accounts.policies import MAY
from survey.studies.models import Round
from tests import factories
from tests.survey.console.world import make_world

pytestmark = [pytest.mark.django_db, pytest.mark.database]

ROLES = (
    "administrator", "study_lead", "supervisor", "interviewer", "analyst", "text_reviewer", "official",
)  # fmt: skip
OFFICIALS = ("official", "city_official", "street_official")

# What needs no account: log-in, the resident's pages, Tencent's calls. Each guards itself by a code, a device
# secret or a signature, and its own tests say how.
PUBLIC = {
    "root", "set_language", "accounts:login", "accounts:logout", "accounts:language", "accounts:invitation",
    "entry:typed", "entry:qr", "posters:poster", "posters:jssdk", "domain_file",
    "wechat:start", "wechat:callback", "wechat:push",
    "fieldwork:app", "fieldwork:worker", "fieldwork:manifest",
    "responses:home", "responses:consent", "responses:refuse", "responses:privacy", "responses:who",
    "responses:form", "responses:plain", "responses:submit", "responses:answered", "responses:thanks",
    "responses:mine", "responses:draft", "responses:attachments", "responses:regions",
    "draws:list", "draws:draw", "draws:communities", "draws:keys", "draws:verify", "draws:verdict",
    "draws:verify_state", "draws:my_line", "draws:script", "draws:certificate", "draws:certificate_pdf",
    "draws:commitment", "draws:timestamp", "draws:frame", "draws:community_frame",
    "operations:live", "operations:ready", "operations:metrics",
    "api:public-draw-list", "api:public-draw-detail", "api:public-draw-certificate", "api:public-key-list",
}  # fmt: skip

# What everybody with an account has: the own account, the names of regions, the description of the API.
OWN = {
    "accounts:start", "accounts:me", "accounts:password", "accounts:own_second_factor",
    "accounts:second_factor", "accounts:tokens", "accounts:revoke_token", "api:region-list",
    "api:region-detail", "api:api-root", "api:schema", "console:home",
}  # fmt: skip

# Everything else: the action of `survey.accounts.policies.MAY` that opens it.
RULES = {
    "accounts:members": "accounts.manage",
    "accounts:new_member": "accounts.manage",
    "accounts:member": "accounts.manage",
    "accounts:audit": "audit.view",
    "console:new_study": "studies.manage",
    "console:study": "console.view",
    "console:new_round": "studies.manage",
    "console:round": "console.view",
    "console:open_round": "studies.manage",
    "console:close_round": "fieldwork.close",
    "console:frame": "console.view",
    "console:import_frame": "sampling.manage",
    "console:check_frame": "sampling.manage",
    "console:questionnaire": "console.view",
    "console:import_questionnaire": "questionnaires.manage",
    "console:setup_round": "studies.manage",
    "console:questionnaire_version": "console.view",
    "console:preview_questionnaire": "console.view",
    "console:try_questionnaire": "console.view",
    "console:publish_questionnaire": "questionnaires.manage",
    "console:new_questionnaire": "questionnaires.manage",
    "console:item_bank": "console.view",
    "console:edit_questionnaire": "questionnaires.manage",
    "console:condition_row": "questionnaires.manage",
    "console:preview_item": "console.view",
    "console:copy_questionnaire": "questionnaires.manage",
    "console:discard_questionnaire": "questionnaires.manage",
    "console:translate_questionnaire": "questionnaires.manage",
    "console:compare_versions": "console.view",
    "console:questionnaire_paths": "console.view",
    "console:export_questionnaire": "console.view",
    "console:form_template": "questionnaires.manage",
    "console:check_text": "questionnaires.manage",
    "console:sampling": "sampling.view",
    "console:plan_population": "sampling.manage",
    "console:plan_precision": "sampling.manage",
    "console:new_design": "sampling.manage",
    "console:plan_simulation": "sampling.manage",
    "console:simulate": "sampling.manage",
    "console:settle_design": "sampling.manage",
    "console:design": "sampling.view",
    "console:commit": "sampling.commit",
    "console:commitment": "sampling.view",
    "console:commitment_text": "sampling.view",
    "console:timestamp": "sampling.commit",
    "console:give_secret": "sampling.draw",
    "console:draw": "sampling.draw",
    "console:reveal_draw": "sampling.reveal",
    "console:void_draw": "sampling.commit",
    "console:drawn": "sampling.view",
    "console:release_replicate": "sampling.manage",
    "console:letters": "console.view",
    "console:prepare_letters": "contacts.manage",
    "console:remove_letters": "contacts.manage",
    "console:fieldwork": "console.view",
    "console:field_look": "fieldwork.manage",
    "console:settle_request": "fieldwork.manage",
    "console:field_doubts": "fieldwork.manage",
    "console:settle_doubt": "fieldwork.manage",
    "console:field_interviews": "fieldwork.manage",
    "console:field_interview": "fieldwork.manage",
    "console:review_interview": "fieldwork.manage",
    "console:field_backchecks": "fieldwork.manage",
    "console:draw_backchecks": "fieldwork.manage",
    "console:enter_backcheck": "fieldwork.manage",
    "console:field_people": "fieldwork.manage",
    "console:hand_out": "fieldwork.manage",
    "console:find_door": "fieldwork.manage",
    "console:field_door": "fieldwork.manage",
    "console:act_on_door": "fieldwork.manage",
    "console:door_picture": "fieldwork.manage",
    "console:field_rules": "fieldwork.manage",
    "console:freeze_priorities": "fieldwork.manage",
    "console:texts": "texts.code",
    "console:themes": "texts.code",
    "console:review_text": "texts.review",
    "console:code_text": "texts.code",
    "console:weighting": "console.view",
    "console:compute": "reports.compute",
    "console:reports": "console.view",
    "console:publish_report": "reports.publish",
    "console:withdraw_report": "reports.publish",
    "console:posters": "wechat.manage",
    "console:print_posters": "wechat.manage",
    "console:delivery": "console.view",
    "console:contact_plan": "contacts.manage",
    "console:channels": "wechat.manage",
    "console:channel": "wechat.manage",
    "console:check_channel": "wechat.manage",
    "console:publish_channel": "wechat.manage",
    "console:channel_events": "wechat.manage",
    "console:boundaries": "regions.import",
    "console:boundary_file": "regions.import",
    "console:withdraw_boundaries": "regions.import",
    "console:jobs": "jobs.view",
    "console:job": "jobs.view",
    "console:job_state": "jobs.view",
    "console:job_refused": "jobs.view",
    "console:cancel_job": "jobs.view",
    "contacts:letters": "contacts.manage",
    "api:sync-hello": "fieldwork.visit",
    "api:sync-devices": "fieldwork.visit",
    "api:sync-pull": "fieldwork.visit",
    "api:sync-push": "fieldwork.visit",
    "api:sync-document": "fieldwork.visit",
    "fieldwork:devices": "fieldwork.manage",
    "fieldwork:lock_device": "fieldwork.manage",
    "fieldwork:today": "fieldwork.visit",
    "fieldwork:appointments": "fieldwork.visit",
    "fieldwork:cases_json": "fieldwork.visit",
    "fieldwork:door": "fieldwork.visit",
    "fieldwork:leave": "fieldwork.visit",
    "fieldwork:visit": "fieldwork.visit",
    "fieldwork:phone": "fieldwork.visit",
    "fieldwork:roster": "fieldwork.visit",
    "fieldwork:consent": "fieldwork.visit",
    "fieldwork:form": "fieldwork.visit",
    "fieldwork:submit": "fieldwork.visit",
    "fieldwork:done": "fieldwork.visit",
    "fieldwork:rounds": "fieldwork.manage",
    "fieldwork:assign": "fieldwork.manage",
    "reports:list": "reports.view",
    "reports:report": "reports.view",
    "reports:place": "reports.view",
    "reports:pdf": "reports.view",
    "reports:csv": "reports.view",
    "reports:xlsx": "reports.view",
    "reports:docx": "reports.view",
    "reports:briefs": "reports.view",
    "reports:run": "reports.compute",
    "reports:microdata": "microdata.view",
    "reports:volunteers": "reports.view",
    "reports:run_volunteers": "reports.compute",
    "reports:weights": "reports.view",
    "reports:run_weights": "reports.compute",
    "reports:passport": "reports.compute",
    "api:study-list": "reports.view",
    "api:study-detail": "reports.view",
    "api:round-list": "reports.view",
    "api:round-detail": "reports.view",
    "api:round-open": "studies.manage",
    "api:round-close": "studies.manage",
    "api:questionnaire-list": "reports.view",
    "api:questionnaire-detail": "reports.view",
    "api:sample-list": "sampling.view",
    "api:sample-detail": "sampling.view",
    "api:sample-certificate": "sampling.view",
    "api:sample-secret": "sampling.manage",
    "api:sample-timestamp": "sampling.manage",
    "api:sample-draw": "sampling.manage",
    "api:sample-reveal": "sampling.manage",
    "api:sample-void": "sampling.manage",
    "api:sample-release": "sampling.manage",
    "api:frame-list": "sampling.view",
    "api:frame-detail": "sampling.view",
    "api:frame-check": "sampling.manage",
    "api:design-list": "sampling.view",
    "api:design-detail": "sampling.view",
    "api:planning-size": "sampling.view",
    "api:planning-allocation": "sampling.view",
    "api:planning-forecast": "sampling.view",
    "api:planning-forecast-result": "sampling.view",
    "sampling:report": "sampling.view",
    "sampling:report_district": "sampling.view",
    "sampling:report_pdf": "sampling.view",
    "api:case-list": "cases.view",
    "api:case-detail": "cases.view",
    "api:response-list": "responses.view",
    "api:response-detail": "responses.view",
    "api:report-list": "reports.view",
    "api:report-tables": "reports.view",
    "api:report-detail": "reports.view",
    "api:estimate-list": "reports.view",
    "api:job-list": "jobs.view",
    "api:job-detail": "jobs.view",
}

# Rows that belong to one person: whoever may do the deed still gets "not found" for another's.
OF_ONE_PERSON = {
    "console:job", "console:job_state", "console:job_refused", "console:cancel_job", "api:job-detail",
    "fieldwork:door", "fieldwork:visit", "fieldwork:roster", "fieldwork:consent", "fieldwork:form",
    "fieldwork:submit", "fieldwork:done", "fieldwork:phone", "fieldwork:lock_device", "api:sync-document",
    "console:door_picture",
}  # fmt: skip

# Not found until somebody has made it, which this world has not: a forecast, door interviews, back-checks.
NOT_MADE_YET = {
    "api:planning-forecast-result", "console:field_interview", "console:enter_backcheck",
    "console:boundary_file", "console:withdraw_boundaries",
}  # fmt: skip


def addresses():
    """Names of all addresses outside Django's admin (which has its own test: accounts/test_pages.py)."""

    def walk(resolver, names=()):
        for pattern in resolver.url_patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern, (*names, *([pattern.namespace] if pattern.namespace else ())))
            elif isinstance(pattern, URLPattern):
                yield ":".join([*names, pattern.name or str(pattern.pattern)]), pattern

    return {name: pattern for name, pattern in walk(get_resolver()) if not name.startswith("admin:")}


ADDRESSES = addresses()


def test_every_address_has_exactly_one_stated_rule():
    named = set(ADDRESSES)
    stated = [*PUBLIC, *OWN, *RULES]
    assert named - set(stated) == set(), "addresses without a rule"
    assert len(stated) == len(set(stated)), "addresses with two rules"
    assert set(RULES.values()) <= set(MAY)


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """Built once: each test runs in a savepoint inside this module's transaction."""
    with (
        django_db_blocker.unblock(),
        override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media")),
        transaction.atomic(),
    ):
        yield make_world(factories.make_regions())
        transaction.set_rollback(True)


def arguments(name, world):
    """Real arguments for an address."""
    first = {
        "accounts:member": {"pk": world.people["official"].pk},
        "console:study": {"pk": world.round.study_id},
        "console:new_round": {"pk": world.round.study_id},
        "console:job": {"pk": world.job.pk},
        "console:channel": {"pk": world.account.pk},
        "console:check_channel": {"pk": world.account.pk},
        "console:publish_channel": {"pk": world.account.pk},
        "console:channel_events": {"pk": world.account.pk},
        "console:job_state": {"pk": world.job.pk},
        "console:job_refused": {"pk": world.job.pk},
        "console:cancel_job": {"pk": world.job.pk},
        "reports:run": {"pk": world.draft_run.pk},
        "reports:microdata": {"pk": world.draft_run.pk},
        "reports:run_volunteers": {"pk": world.draft_run.pk},
        "reports:run_weights": {"pk": world.draft_run.pk},
        "reports:passport": {"pk": world.draft_run.pk},
        "api:study-detail": {"pk": world.round.study_id},
        "api:sample-detail": {"pk": world.draw.pk},
        "api:sample-certificate": {"pk": world.draw.pk},
        "api:sample-secret": {"pk": world.draw.pk},
        "api:sample-timestamp": {"pk": world.draw.pk},
        "api:sample-draw": {"pk": world.draw.pk},
        "api:sample-reveal": {"pk": world.draw.pk},
        "api:sample-void": {"pk": world.draw.pk},
        "api:sample-release": {"pk": world.draw.pk},
        "api:response-detail": {"pk": world.response.pk},
        "api:questionnaire-detail": {"pk": world.round.questionnaire_version_id},
        "api:job-detail": {"pk": world.job.pk},
        "api:region-detail": {"code": "370105000000"},
        "api:frame-detail": {"pk": world.draw.design.frame_id},
        "api:frame-check": {"pk": world.draw.design.frame_id},
        "api:design-detail": {"pk": world.draw.design_id},
        "sampling:report_district": {"code": "370105000000"},
        "fieldwork:lock_device": {"device_id": "00000000-0000-4000-8000-000000000000"},
        "api:sync-document": {"document_hash": "nothing"},
        "reports:place": {"number": world.report.number, "code": "370105001000"},
    }.get(name, {})
    common = {
        "pk": world.round.pk,
        "round_pk": world.round.pk,
        "version_pk": world.round.questionnaire_version_id,
        "design_pk": world.draw.design_id,
        "frame_pk": world.draw.design.frame_id,
        "draw_pk": world.draw.pk,
        "batch_pk": world.batch.pk,
        "report_pk": world.report.pk,
        "batch": world.batch.pk,
        "text_pk": world.text.pk,
        "part": 1,
        "opaque_id": world.case.opaque_id,
        "response_id": world.response.pk,
        "number": world.report.number,
        "token_key": "nothing",
        "per_page": 8,
        "request_pk": 1,
        "flag_pk": 1,
        "check_pk": 1,
        "file_pk": 1,
        "picture_id": "00000000-0000-4000-8000-000000000000",
    }
    wanted = ADDRESSES[name].pattern.regex.groupindex
    return {key: first.get(key, common.get(key)) for key in wanted if key != "format"}


def logged_in(user=None):
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        if user.has_role("administrator"):
            device = TOTPDevice.objects.create(user=user, name="t", confirmed=True)
            session = client.session
            session[DEVICE_ID_SESSION_KEY] = device.persistent_id
            session.save()
    return client


def is_log_in(answer):
    return answer.status_code == 302 and answer.url.startswith("/accounts/login/")


def refused(answer):
    return answer.status_code in (401, 403, 404) or is_log_in(answer)


def close(world):
    Round.objects.filter(pk=world.round.pk).update(state=Round.State.CLOSED)


def test_without_an_account_nothing_but_the_public_pages_opens(world):
    client = logged_in()
    opened = []
    for name in [*OWN, *RULES]:
        if name not in ADDRESSES or name == "api:schema":
            continue
        path = reverse(name, kwargs=arguments(name, world))
        answers = [client.get(path), client.post(path, {})]
        opened += [(name, a.status_code) for a in answers if not (refused(a) or a.status_code == 405)]
        assert refused(answers[0]) or refused(answers[1]), name
    assert opened == []


@pytest.mark.parametrize("state", ["open", "closed"])
@pytest.mark.parametrize("role", ROLES)
def test_each_role_opens_what_its_policy_says_and_nothing_else(world, role, state):
    if state == "closed":
        close(world)
    client = logged_in(world.people[role])
    wrong = []
    for name, action in RULES.items():
        if name not in ADDRESSES:
            continue
        path = reverse(name, kwargs=arguments(name, world))
        got = client.get(path)
        if role not in MAY[action]:
            posted = client.post(path, {})
            harmless = all(refused(a) or a.status_code == 405 for a in (got, posted))
            if not (harmless and (refused(got) or refused(posted))):
                wrong.append((name, "opened to", role, got.status_code, posted.status_code))
        elif got.status_code >= 500 or (
            refused(got) and name not in OF_ONE_PERSON | NOT_MADE_YET and state == "open"
        ):
            wrong.append((name, "closed to", role, got.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", ROLES)
def test_the_own_account_is_open_to_everybody_who_has_one(world, role):
    client = logged_in(world.people[role])
    for name in OWN - {"accounts:revoke_token"}:
        if name in ADDRESSES:
            answer = client.get(reverse(name, kwargs=arguments(name, world)))
            assert answer.status_code in (200, 302), (name, answer.status_code)
            assert not is_log_in(answer), name


def readable(answer):
    """Everything that an answer tells, headers too."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode("utf-8", errors="ignore") + str(dict(answer.headers))


# Names of regions are public: these list every community, drawn or not.
NAMES_ARE_PUBLIC = {"api:region-list", "api:region-detail"}


@pytest.mark.parametrize("state", ["open", "closed"])
@pytest.mark.parametrize("who", OFFICIALS)
def test_no_official_reads_a_drawn_community_a_case_a_letter_or_an_open_answer(world, who, state):
    """During the field and after it: whatever an official can open holds none of the field's secrets."""
    if state == "closed":
        close(world)
    client = logged_in(world.people[who])
    secrets = world.secrets()
    leaks, opened = [], []
    for name in ADDRESSES:
        if name in PUBLIC:
            continue
        answer = client.get(reverse(name, kwargs=arguments(name, world)))
        if answer.status_code != 200:
            continue
        opened.append(name)
        text = readable(answer)
        public = name in NAMES_ARE_PUBLIC
        leaks += [
            (name, what)
            for what, secret in secrets.items()
            if secret in text and not (public and "drawn community" in what)
        ]
    assert leaks == []
    assert {"reports:list", "reports:report", "api:report-list"} <= set(opened)
    assert not [name for name in opened if name.startswith(("console:", "fieldwork:", "contacts:"))]


def test_the_secrets_are_really_there_for_the_team(world):
    """The test above can fail: the lead's pages do hold what it looks for."""
    client = logged_in(world.people["study_lead"])
    text = "".join(
        readable(client.get(reverse(name, kwargs=arguments(name, world))))
        for name in ("console:drawn", "api:case-list", "fieldwork:assign")
    )
    found = {what for what, secret in world.secrets().items() if secret in text}
    assert len([what for what in found if what.startswith("drawn community")]) == 4
    assert any(what.startswith("case number") for what in found)


def test_links_that_officials_are_shown_all_open(world):
    """An official is never led to a closed door."""
    client = logged_in(world.people["official"])
    for start in ("/reports/", f"/reports/{world.report.number}/"):
        text = client.get(start).content.decode()
        for path in set(re.findall(r'href="(/[^"#]*)"', text)):
            if not path.startswith("/static/"):
                answer = client.get(path, follow=True)
                assert answer.status_code == 200, path
