"""Accounts keep their secrets; their token has one holder."""

from datetime import timedelta

import pytest

from survey.audit.models import AuditEntry
from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.common.errors import Problem
from survey.wechat.models import AccessToken, WeChatAccount
from survey.wechat.services import DatabaseTokenStore, save_account, wechat_for
from tests.survey.wechat.conftest import APP_ID, SECRET

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def save(**values):
    return save_account(
        **{
            "slug": "jinan",
            "name": "济南民意",
            "app_id": APP_ID,
            "app_secret": SECRET,
            "acting_user": SYSTEM,
            **values,
        }
    )


def test_secrets_are_encrypted_and_never_in_the_audit_trail():
    account = save(callback_token="token123", encoding_aes_key="a" * 43)
    row = str(WeChatAccount.objects.filter(pk=account.pk).values().get())
    trail = str(list(AuditEntry.objects.values()))
    for secret in (SECRET, "token123", "a" * 43):
        assert secret not in row and secret not in trail


def test_saving_again_changes_the_same_account_and_keeps_the_secret_left_empty():
    first = save()
    second = save(name="济南市民意", app_secret="")
    assert second.pk == first.pk and second.name == "济南市民意"
    assert bytes(second.app_secret_cipher) == bytes(first.app_secret_cipher)


@pytest.mark.parametrize(
    "values",
    [{"app_id": "jinan"}, {"app_secret": ""}, {"callback_token": "a b"}, {"encoding_aes_key": "short"}],
    ids=lambda values: next(iter(values)),
)
def test_what_tencent_could_not_have_given_is_refused_in_words(values):
    with pytest.raises(Problem) as refusal:
        save(**values)
    assert refusal.value.code == "common.invalid" and not WeChatAccount.objects.exists()


def test_the_stored_token_comes_back_and_is_encrypted():
    store = DatabaseTokenStore(save())
    assert store.get() is None
    end = now() + timedelta(hours=2)
    with store.lock():
        store.set("T" * 512, end)
    assert store.get() == ("T" * 512, end)
    assert b"TTTT" not in bytes(AccessToken.objects.get().token_cipher)


def test_a_new_secret_throws_the_old_token_away():
    account = save()
    DatabaseTokenStore(account).set("TOKEN", now() + timedelta(hours=2))
    save(app_secret="f" * 32)
    assert DatabaseTokenStore(account).get() is None


def test_the_client_fetches_one_token_and_everybody_uses_it(sandbox, settings):
    settings.WECHAT_API_BASE = settings.WECHAT_OPEN_BASE = sandbox.url
    sandbox.control.save_account(APP_ID, SECRET, "济南民意", oauth_domains=["testserver"])
    account = save()
    first = wechat_for(account).access_token()
    assert wechat_for(account).access_token() == first
    assert sandbox.control.calls(APP_ID)["/cgi-bin/stable_token"] == 1
