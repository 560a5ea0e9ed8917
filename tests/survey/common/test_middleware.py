"""What every reply carries, and what residents are spared."""

import pytest
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponse
from django.test import Client

from survey.common.middleware import (
    TeamAuthenticationMiddleware,
    TeamMessageMiddleware,
    TeamSessionMiddleware,
    UsualPolicyMiddleware,
)

POLICY = "Content-Security-Policy"


def reply_of(middleware, path="/console/", **own) -> HttpResponse:
    request, made = HttpRequest(), HttpResponse()
    request.path = request.path_info = path
    for name, value in own.items():
        setattr(made, name, value)
    return middleware(lambda _request: made)(request)


@pytest.mark.parametrize("path", ["/console/", "/r/x/", "/admin/", "/admin/x/"])
@pytest.mark.parametrize(
    "own",
    [
        {},
        {"_csp_replace": {"frame-ancestors": ["'self'"]}},
        {"_csp_update": {"img-src": ["blob:"]}},
        {"_csp_exempt": True},
        {"_csp_config": {"default-src": ["'none'"]}},
    ],
    ids=str,
)
def test_the_policy_composed_once_is_the_one_composed_each_time(path, own):
    ours, theirs = reply_of(UsualPolicyMiddleware, path, **own), reply_of(CSPMiddleware, path, **own)
    kinds = [
        None if policy is None else {part.split()[0]: set(part.split()[1:]) for part in policy.split(";")}
        for policy in (ours.get(POLICY), theirs.get(POLICY))
    ]
    assert kinds[0] == kinds[1]
    assert (kinds[0] is None) == (path.startswith("/admin") or "_csp_exempt" in own)


def test_a_policy_that_a_view_wrote_itself_stays():
    def view(_request):
        return HttpResponse(headers={POLICY: "default-src 'none'"})

    request = HttpRequest()
    request.path = request.path_info = "/r/x/"
    assert UsualPolicyMiddleware(view)(request)[POLICY] == "default-src 'none'"


@pytest.mark.parametrize(
    ("middleware", "gives"),
    [(TeamSessionMiddleware, "session"), (TeamAuthenticationMiddleware, "user")],
)
def test_residents_have_no_session_and_no_user_and_the_team_has(middleware, gives):
    for path, has in (("/r/x/", False), ("/s/x", False), ("/wechat/a/", False), ("/console/", True)):
        request = HttpRequest()
        request.path = request.path_info = path
        request.session = {} if gives == "user" else None
        if gives == "session":
            del request.session
        middleware(lambda _request: HttpResponse())(request)
        assert hasattr(request, gives) is has


def test_residents_have_no_messages():
    request = HttpRequest()
    request.path = request.path_info = "/r/x/"
    TeamMessageMiddleware(lambda _request: HttpResponse())(request)
    assert not hasattr(request, "_messages")


@pytest.mark.django_db
@pytest.mark.database
def test_a_residents_page_that_is_missing_still_says_so():
    reply = Client().get("/r/nothing-here/")
    assert reply.status_code == 404 and "default-src 'self'" in reply[POLICY]
