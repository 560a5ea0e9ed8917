"""What WeChat sends in `callback_load`: texts and events of a few thousand followers, plain or encrypted."""

import random
import time
from typing import NamedTuple
from urllib.parse import urlencode

from survey.wechat.signature import decode_aes_key, message_signature, seal_message

SLUG, APP_ID, TOKEN = "load", "wx0123456789abcdef", "loadtoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OWN_ID = "gh_0123456789ab"
FOLLOWERS = 3000
TEXTS = ("您好，问卷在哪里填？", "收到信了，怎么参加", "楼下路灯坏了好久了，希望有人管管", "谢谢", "1")
EVENTS = (
    ("SCAN", "<EventKey><![CDATA[round1]]></EventKey><Ticket><![CDATA[ticket]]></Ticket>"),
    ("CLICK", "<EventKey><![CDATA[help]]></EventKey>"),
    ("VIEW", "<EventKey><![CDATA[https://minyi.example/s/]]></EventKey><MenuId>401234567</MenuId>"),
    ("subscribe", "<EventKey><![CDATA[]]></EventKey>"),
    ("never_seen_before", "<Something><![CDATA[new]]></Something>"),
)


class Push(NamedTuple):
    """One message or event. `key` is what only it has: its MsgId, or its sender (one event each)."""

    key: str
    openid: str
    fields: str
    encrypted: bool
    written: int  # CreateTime, seconds since 1970: the same in every try


def make_pushes(n: int, seed: int) -> list[Push]:
    """Two messages for each event; senders of events are each their own, so that no two events are alike."""
    random_ = random.Random(seed)
    pushes, written = [], int(time.time())
    for number in range(n):
        encrypted = random_.random() < 0.5
        if number % 3:
            key, openid = str(7_000_000_000_000 + number), _openid(random_.randrange(FOLLOWERS))
            text = f"{random_.choice(TEXTS)} {number}"
            fields = f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content>"
            fields += f"<MsgId>{key}</MsgId>"
        else:
            key = openid = _openid(FOLLOWERS + number)
            event, more = random_.choice(EVENTS)
            fields = f"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{event}]]></Event>{more}"
        pushes.append(Push(key, openid, fields, encrypted, written))
    return pushes


def _openid(number: int) -> str:
    return f"oLoad_{number:022d}"


def plain_body(push: Push) -> str:
    """The message itself."""
    return (
        f"<xml><ToUserName><![CDATA[{OWN_ID}]]></ToUserName>"
        f"<FromUserName><![CDATA[{push.openid}]]></FromUserName>"
        f"<CreateTime>{push.written}</CreateTime>{push.fields}</xml>"
    )


def signed_request(push: Push, *, nonce: str) -> tuple[str, str]:
    """Address and body of one try, signed now."""
    moment, body = str(int(time.time())), plain_body(push)
    query = {
        "signature": message_signature(TOKEN, moment, nonce),
        "timestamp": moment,
        "nonce": nonce,
        "openid": push.openid,
    }
    if push.encrypted:
        sealed = seal_message(body, aes_key=decode_aes_key(AES_KEY), receiver_id=APP_ID)
        signed = message_signature(TOKEN, moment, nonce, sealed)
        query |= {"encrypt_type": "aes", "msg_signature": signed}
        body = (
            f"<xml><ToUserName><![CDATA[{OWN_ID}]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        )
    return f"/wechat/{SLUG}/?{urlencode(query)}", body
