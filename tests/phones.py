"""An interviewer's phone as a program: pulls, works, seals, pushes; the protocol of docs/field-sync.md."""

import base64
import gzip
import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta
from io import BytesIO

from PIL import Image, ImageDraw

from survey.contacts.household import choose, normalise, roster_hash
from survey.fieldwork.sync import sealing
from survey.fieldwork.sync.protocol import PROTOCOL
from tests.residents import ANSWERS

BASE = "/api/v1/sync/"
MEMBERS = [
    {"label": "王先生", "sex": "male", "age": 67},
    {"label": "李女士", "sex": "female", "age": 64},
    {"label": "小王", "sex": "male", "age": 38},
]


def picture(text: str = "1-101") -> bytes:
    """A small JPEG."""
    image = Image.new("RGB", (80, 40), "white")
    ImageDraw.Draw(image).text((10, 10), text, fill="black")
    written = BytesIO()
    image.save(written, "JPEG")
    return written.getvalue()


class FieldPhone:
    """One interviewer's app. `client` is a logged-in Django test client, or anything shaped like it."""

    def __init__(self, client, *, clock_wrong: timedelta = timedelta(0), protocol: int = PROTOCOL) -> None:
        self.client = client
        self.id = str(uuid.uuid4())
        self.secret = base64.b64encode(uuid.uuid4().bytes * 2).decode()
        self.clock_wrong, self.protocol = clock_wrong, protocol
        self.offset_ms = 0
        self.cursor, self.pulled_at = "", None
        self.cases: dict[str, dict] = {}
        self.rounds: dict[int, dict] = {}
        self.results: dict[str, dict] = {}
        self.returned: list[dict] = []
        self.locked = False

    # --- clock and contact --------------------------------------------------------------------------
    def now(self) -> datetime:
        """What the phone's clock shows."""
        return datetime.now(UTC) - self.clock_wrong

    def get(self, path: str, **query):
        return self.client.get(BASE + path, query)

    def post(self, path: str, body: dict, *, zipped: bool = False):
        data = json.dumps(body).encode()
        extra = {"headers": {"content-encoding": "gzip"}} if zipped else {}
        data = gzip.compress(data) if zipped else data
        return self.client.post(BASE + path, data, content_type="application/json", **extra)

    def register(self) -> "FieldPhone":
        hello = self.get("hello/").json()
        self.offset_ms = round(
            (datetime.fromisoformat(hello["server_time"]) - self.now()).total_seconds() * 1000
        )
        body = {
            "id": self.id,
            "secret": self.secret,
            "name": "测试手机",
            "app": "1.0",
            "protocol": self.protocol,
        }
        reply = self.post("devices/", body)
        assert reply.status_code == 200, reply.content
        return self

    def ask(self, cursor: str | None = None) -> dict:
        """One page, not taken in."""
        asked = self.cursor if cursor is None else cursor
        reply = self.get("pull/", device=self.id, cursor=asked, app="1.0", sent_at=self.now().isoformat())
        assert reply.status_code == 200, reply.content
        return reply.json()

    def pull(self) -> "FieldPhone":
        while True:
            page = self.ask()
            if page["locked"]:
                self.locked = True
                return self
            self.take(page)
            if not page["more"]:
                return self

    def take(self, page: dict) -> None:
        """Take a page in, as the app does."""
        self.rounds |= {each["id"]: each for each in page["rounds"]}
        self.cases |= {each["id"]: each for each in page["cases"]}
        for gone in page["gone"]:
            self.cases.pop(gone, None)
        self.results |= {each["id"]: each for each in page["results"]}
        self.returned = page["returned"] or self.returned
        self.cursor, self.pulled_at = page["cursor"], page["server_time"]

    # --- work ---------------------------------------------------------------------------------------
    def text(self, kind: str, case_id: str, body: dict, **values) -> dict:
        return {
            "protocol": self.protocol,
            "app": "1.0",
            "kind": kind,
            "case": case_id,
            "device": {"id": self.id, "secret": self.secret},
            "device_at": self.now().isoformat(),
            "offset_ms": self.offset_ms,
            "pulled_at": self.pulled_at,
            "body": body,
            **values,
        }

    def sealed(self, text: dict, item_id: str | None = None) -> dict:
        """An item ready to be sent."""
        item_id = item_id or str(uuid.uuid4())
        case = self.cases.get(text["case"]) or next(iter(self.cases.values()))
        key = self.rounds[case["round"]]["key"]
        sealed = sealing.seal(
            json.dumps(text, ensure_ascii=False).encode(),
            public_key=bytes.fromhex(key["point"]),
            key_id=key["id"],
            item_id=item_id,
        )
        return {"id": item_id, "key": key["id"], **sealed}

    def household(self, case_id: str, *lists: list[dict], **values) -> dict:
        lists = lists or (MEMBERS,)
        people = normalise(lists[-1])
        rosters = [
            {"members": members, "locked_at": self.now().isoformat(), "reason": "漏了一位" if place else ""}
            for place, members in enumerate(lists)
        ]
        chosen = choose(self.cases[case_id]["seed"], len(people))
        return {
            "rosters": rosters,
            "n_eligible": len(people),
            "chosen_index": chosen,
            "roster_hash": roster_hash(people),
            **values,
        }

    def visit(self, case_id: str, result: str = "no_answer", *, item_id: str | None = None, **body) -> dict:
        body = {"result": result, "present": [], "note": "", **body}
        return self.sealed(self.text("visit", case_id, body), item_id)

    def interview_body(self, case_id: str, **body) -> dict:
        round_ = self.rounds[self.cases[case_id]["round"]]
        return {
            "household": body.pop("household", None) or self.household(case_id),
            "consent": {"given_at": self.now().isoformat(), "language": "zh-hans", "signature": ""},
            "document": round_["document"],
            "language": "zh-hans",
            "answers": ANSWERS,
            "paradata": {"device": "phone"},
            "started_at": self.now().isoformat(),
            "present": [],
            **body,
        }

    def interview(self, case_id: str, *, item_id: str | None = None, **body) -> dict:
        return self.sealed(self.text("interview", case_id, self.interview_body(case_id, **body)), item_id)

    def file(self, case_id: str, content: bytes, item: str = "consent_signature") -> dict:
        body = {
            "item": item,
            "type": "image/jpeg",
            "sha256": hashlib.sha256(content).hexdigest(),
            "data": base64.b64encode(content).decode(),
        }
        return self.sealed(self.text("file", case_id, body))

    def push(self, *items: dict, zipped: bool = True) -> list[dict]:
        body = {
            "protocol": self.protocol,
            "app": "1.0",
            "device": self.id,
            "sent_at": self.now().isoformat(),
            "items": list(items),
        }
        reply = self.post("push/", body, zipped=zipped)
        assert reply.status_code == 200, reply.content
        results = reply.json()["results"]
        self.results |= {each["id"]: each for each in results}
        return results
