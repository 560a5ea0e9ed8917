"""The sandbox's answers hold what Tencent's hold, call by call: tests/vectors/wechat_shapes.json."""

import json
from pathlib import Path

import pytest
import requests

from tests.survey.wechat.conftest import APP_ID, SECRET

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "wechat_shapes.json"
CALLS = json.loads(VECTORS.read_text(encoding="utf-8"))["calls"]
TAGS = {"D", "3P", "R", "M"}
TYPES = {"string": str, "number": int, "array": list, "object": dict}


@pytest.fixture
def names(sandbox):
    """What stands for the gaps of a call."""
    control = sandbox.control
    control.save_account(APP_ID, SECRET, "济南民意")
    control.follow(APP_ID, "wang")
    return {
        "{appid}": APP_ID,
        "{secret}": SECRET,
        "{follower}": control.openid(APP_ID, "wang"),
        "{openid}": control.openid(APP_ID, "zhao"),
        "{template}": control.add_template(APP_ID, "template", "提醒", "项目：{{thing1.DATA}}"),
        "{notice}": control.add_template(APP_ID, "subscribe", "进度", "项目：{{thing1.DATA}}"),
    }


def filled(text, names):
    for gap, value in names.items():
        text = text.replace(gap, value)
    return text


def ask(call, names, url):
    """Make one call the way a program without our client would."""
    path = filled(call["path"], names)
    token = call.get("token", True)
    if token is not False:
        given = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
        fresh = requests.post(f"{url}/cgi-bin/stable_token", json=given, timeout=10).json()["access_token"]
        path += ("&" if "?" in path else "?") + f"access_token={fresh if token is True else token}"
    body = filled(json.dumps(call["body"]), names) if "body" in call else call.get("raw", "")
    answer = requests.request(call["method"], url + path, data=body.encode(), timeout=10)
    assert answer.status_code == 200, "Tencent refuses with HTTP 200"
    return answer.json()


def at(answer, name):
    for part in name.split("."):
        answer = answer[part]
    return answer


@pytest.mark.parametrize("call", CALLS, ids=[call["id"] for call in CALLS])
def test_an_answer_holds_what_tencents_holds(call, sandbox, names):
    assert call["tag"] in TAGS and call["source"]
    answer = ask(call, names, sandbox.url)
    if "code" in call:
        assert answer["errcode"] == call["code"] and "rid: " in answer["errmsg"]
        return
    assert answer.get("errcode", 0) == 0, answer
    for name, kind in call["keys"].items():
        assert isinstance(at(answer, name), TYPES[kind]), (name, answer)
    assert not set(call.get("without", ())) & set(answer)


def test_the_list_names_each_call_once():
    ids = [call["id"] for call in CALLS]
    assert len(ids) == len(set(ids)) and all(("keys" in call) != ("code" in call) for call in CALLS)
