"""Bodies and addresses that nobody should send: mutilated pushes of every mode, and noise."""

import json

from hypothesis import strategies as st

from tests.survey.wechat.pushes import TOKEN, event, seal, sign, text, to_xml

FRAGMENTS = [
    b"<",
    b"&",
    b"]]>",
    b"<xml>",
    b"&#0;",
    b"\xff",
    b"<!--",
    b"\x00",
    b"<![CDATA[",
    b"{",
    b'"',
    b"\\u0000",
]
PUSHES = [
    text("o1", "你好"),
    event("o1", "subscribe", EventKey="qrscene_1", Ticket="T"),
    event("o1", "subscribe_msg_popup_event", SubscribeMsgPopupEvent={"List": [{"TemplateId": "a"}] * 2}),
    event("o0", "user_authorization_revoke", OpenID="o1", AppID="wx1", RevokeInfo="1"),
    event("o1", "TEMPLATESENDJOBFINISH", MsgID="1", Status="success"),
]


@st.composite
def mutilated(draw, body: bytes) -> bytes:
    """The body after a few cuts, insertions and replacements."""
    changed = bytearray(body)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2, 4]))):
        if not changed:
            break
        at = draw(st.integers(0, len(changed) - 1))
        kind = draw(st.sampled_from(["replace", "insert", "delete"]))
        if kind == "delete":
            del changed[at : at + draw(st.integers(1, 30))]
        elif kind == "insert":
            changed[at:at] = draw(st.sampled_from(FRAGMENTS) | st.binary(max_size=6))
        else:
            changed[at] = draw(st.integers(0, 255))
    return bytes(changed)


@st.composite
def requests(draw, stamp: str, app_id: str) -> tuple[bytes, dict[str, str]]:
    """One request: half of them proven, so that the parser and the database are reached, too."""
    values = st.text(max_size=20) | st.integers().map(str)
    fields = dict(draw(st.sampled_from(PUSHES)))
    for name in draw(st.just([]) | st.lists(st.sampled_from(sorted(fields)), max_size=3)):
        fields[name] = draw(values)
    plain = draw(
        st.one_of(
            mutilated(to_xml(fields)),
            mutilated(json.dumps(fields).encode()),
            st.dictionaries(st.text(max_size=8), values, max_size=6).map(lambda d: json.dumps(d).encode()),
            st.binary(max_size=200),
        )
    )
    query = {"signature": sign(TOKEN, stamp, "n1"), "timestamp": stamp, "nonce": "n1"}
    mode = draw(st.sampled_from(["plain", "sealed", "sealed and mutilated", "unproven"]))
    body = plain
    if mode.startswith("sealed"):
        sealed = seal(plain, app_id)
        query |= {"encrypt_type": "aes", "msg_signature": sign(TOKEN, stamp, "n1", sealed)}
        body = to_xml({"ToUserName": "gh_1", "Encrypt": sealed})
        if mode != "sealed":
            body = draw(mutilated(body))
    elif mode == "unproven":
        names = st.sampled_from(["signature", "timestamp", "nonce", "encrypt_type", "msg_signature", "x"])
        query |= draw(st.dictionaries(names, values | st.just("aes"), max_size=4))
    return body, query
