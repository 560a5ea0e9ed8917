"""What is said at once, in the answer to a push: a text or one article in the chat.

Another part of the program offers answers by registering a responder. It is asked while Tencent waits, so it
must be quick, and must not send or store anything: a push that is sent again gets the stored answer.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from xml.sax.saxutils import escape

import structlog

log = structlog.get_logger(__name__)
# "success" says that nothing is said; an empty body would do, an XML without words would not (section 3).
NOTHING = "success"
MAX_TEXT_BYTES = 2048  # [M]


@dataclass(frozen=True)
class TextAnswer:
    """Words; `<a href="…">` is the only markup that WeChat shows."""

    text: str


@dataclass(frozen=True)
class NewsAnswer:
    """One card that leads to a page (since 2018 one at most [M])."""

    title: str
    description: str
    url: str
    picture_url: str = ""


Answer = TextAnswer | NewsAnswer


@dataclass(frozen=True)
class Incoming:
    """What a responder may know of a push: no openid.

    Attributes
    ----------
    kind : "text", "event:subscribe", "event:SCAN", "event:CLICK" …
    text : of a text message, stripped.
    key : EventKey of an event; of a scanned QR code its scene, without "qrscene_".
    """

    account_id: int
    kind: str
    text: str = ""
    key: str = ""


Responder = Callable[[Incoming], Answer | None]
_RESPONDERS: list[tuple[int, Responder]] = []
# Events that cannot be answered, or whose answer nobody would see, are not offered to responders.
_ANSWERABLE_EVENTS = frozenset({"subscribe", "SCAN", "CLICK"})


def register_responder(responder: Responder, *, order: int = 100) -> None:
    """Called once at start-up; the lowest order is asked first, the first answer is given."""
    if responder not in [known for _order, known in _RESPONDERS]:
        _RESPONDERS.append((order, responder))
        _RESPONDERS.sort(key=lambda entry: entry[0])


def incoming(account_id: int, kind: str, fields: dict[str, Any]) -> Incoming:
    """A push as responders see it."""
    key = fields.get("EventKey")
    return Incoming(
        account_id=account_id,
        kind=kind,
        text=str(fields.get("Content", "")).strip() if kind == "text" else "",
        key=key.removeprefix("qrscene_") if isinstance(key, str) else "",
    )


def answer_to(push: Incoming) -> Answer | None:
    """The first responder's answer. One that fails is passed over: Tencent must not wait for our mistakes."""
    if push.kind.startswith("event:") and push.kind.removeprefix("event:") not in _ANSWERABLE_EVENTS:
        return None
    for _order, responder in _RESPONDERS:
        try:
            answer = responder(push)
        except Exception:
            log.exception("a responder failed", responder=getattr(responder, "__name__", "?"))
            continue
        if answer is not None:
            return answer
    return None


def store(answer: Answer | None) -> str:
    """The answer as text for the database; "" for none."""
    if answer is None:
        return ""
    return json.dumps({"type": type(answer).__name__, **asdict(answer)}, ensure_ascii=False)


def restore(stored: str) -> Answer | None:
    """What `store` kept."""
    if not stored:
        return None
    fields = json.loads(stored)
    kinds: dict[str, Any] = {"TextAnswer": TextAnswer, "NewsAnswer": NewsAnswer}
    return kinds[fields.pop("type")](**fields)


def render(answer: Answer, *, to: str, sender: str, created_at: int) -> str:
    """The passive reply's XML. `to` and `sender` are the push's FromUserName and ToUserName."""
    head = (
        f"<ToUserName>{_cdata(to)}</ToUserName><FromUserName>{_cdata(sender)}</FromUserName>"
        f"<CreateTime>{created_at}</CreateTime>"
    )
    if isinstance(answer, TextAnswer):
        text = answer.text.encode()[:MAX_TEXT_BYTES].decode(errors="ignore")
        return f"<xml>{head}<MsgType><![CDATA[text]]></MsgType><Content>{_cdata(text)}</Content></xml>"
    item = (
        f"<Title>{_cdata(answer.title)}</Title><Description>{_cdata(answer.description)}</Description>"
        f"<PicUrl>{_cdata(answer.picture_url)}</PicUrl><Url>{_cdata(answer.url)}</Url>"
    )
    return (
        f"<xml>{head}<MsgType><![CDATA[news]]></MsgType><ArticleCount>1</ArticleCount>"
        f"<Articles><item>{item}</item></Articles></xml>"
    )


def render_sealed(*, sealed: str, signature: str, timestamp: str, nonce: str) -> str:
    """The envelope of an encrypted reply (section 2)."""
    return (
        f"<xml><Encrypt>{_cdata(sealed)}</Encrypt><MsgSignature>{_cdata(signature)}</MsgSignature>"
        f"<TimeStamp>{escape(timestamp)}</TimeStamp><Nonce>{_cdata(nonce)}</Nonce></xml>"
    )


def _cdata(text: str) -> str:
    """Nobody's words may end the section early: wechatpy leaves `]]>` as it is."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
