"""The demo tells its simulated WeChat who has a phone, at the first start and at every later one."""

from survey.demo.fieldwork import GUEST_ID, prepare_wechat
from survey.demo.setup import Letter
from survey.demo.site import Site


def test_a_demo_that_is_started_again_has_only_its_newcomers_to_tell_of(sandbox):
    site = Site(8000, 8020)
    site.wechat_address = sandbox.url
    letters = [Letter(case=n, household=n, path=f"/s/{n}", typed=str(n)) for n in (1, 2)]
    prepare_wechat(site, [], letters)
    assert sandbox.store.resident(f"{GUEST_ID}2")["name"] == "新来的居民 2"
