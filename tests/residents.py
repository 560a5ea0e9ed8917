"""An open round with letters, and a resident who walks through it over HTTP as a phone would."""

import json
import re
import uuid
from datetime import UTC, datetime

from django.test import Client

from survey.audit.services import SYSTEM
from survey.common.clock import now
from survey.contacts.services import issue_codes
from survey.questionnaires.document import document_hash, expression
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.regions.models import Region
from survey.sampling.models import Case
from survey.studies.models import Round
from tests import factories

WECHAT_AGENT = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile MicroMessenger/8.0.50 NetType/WIFI"
)
ANSWERS = {"Q01": 2, "Q02": [1, 3], "trust": 7, "remark": "楼下的路灯坏了", "sex": 2, "age": 43}


def _texts(hans: str, english: str = "") -> dict[str, str]:
    return {"zh-hans": hans, "en": english or hans}


def small_document() -> dict:
    """Seven items: one and several choices, a skip, a scale, open text, sex and age."""
    satisfied = ["非常满意", "比较满意", "一般", "不太满意", "很不满意"]
    return {
        "format": "minyi-questionnaire/1",
        "name": "small",
        "version": "1",
        "title": _texts("小区生活", "Life in the neighbourhood"),
        "languages": ["zh-hans", "en"],
        "default_language": "zh-hans",
        "timezone": "Asia/Shanghai",
        "choice_lists": {
            "S5": [{"code": i, "label": _texts(text)} for i, text in enumerate(satisfied, start=1)],
            "missing": [
                {"code": -1, "label": _texts("不了解", "Don't know"), "missing": "dont_know"},
                {"code": -2, "label": _texts("跳过这题", "Skip this question"), "missing": "refused"},
            ],
            "things": [
                {"code": i, "label": _texts(t)} for i, t in enumerate(("停车", "路灯", "绿化"), start=1)
            ],
            "sexes": [{"code": 1, "label": _texts("男", "Man")}, {"code": 2, "label": _texts("女", "Woman")}],
        },
        "blocks": [
            {
                "name": "life",
                "title": _texts("生活"),
                "items": [
                    {
                        "name": "Q01",
                        "type": "select_one",
                        "label": _texts("您对小区的环境满意吗？", "How satisfied are you?"),
                        "list": "S5",
                        "missing": "missing",
                        "required": True,
                        "seconds": 12,
                    },
                    {
                        "name": "Q02",
                        "type": "select_multiple",
                        "label": _texts("哪几样最该先办？"),
                        "list": "things",
                        "missing": "missing",
                        "relevant": expression("${Q01} > 1"),
                        "required": True,
                        "seconds": 15,
                    },
                    {
                        "name": "trust",
                        "type": "scale",
                        "label": _texts("0 到 10 分，您打几分？"),
                        "from": 0,
                        "to": 10,
                        "ends": {"low": _texts("最低"), "high": _texts("最高")},
                        "missing": "missing",
                        "required": True,
                        "seconds": 10,
                    },
                    {"name": "remark", "type": "text", "label": _texts("还想说什么？"), "seconds": 20},
                ],
            },
            {
                "name": "you",
                "items": [
                    {
                        "name": "sex",
                        "type": "select_one",
                        "label": _texts("您的性别", "Sex"),
                        "list": "sexes",
                        "missing": "missing",
                        "required": True,
                        "seconds": 5,
                    },
                    {
                        "name": "age",
                        "type": "integer",
                        "label": _texts("您的周岁年龄", "Age"),
                        "missing": "missing",
                        "constraint": expression(". >= 18 and . <= 110"),
                        "required": True,
                        "seconds": 8,
                    },
                ],
            },
        ],
    }


def make_version(document: dict | None = None) -> QuestionnaireVersion:
    """A published version of the small questionnaire."""
    document = document or small_document()
    questionnaire, _new = Questionnaire.objects.get_or_create(
        code=document["name"], defaults={"title": "小区生活"}
    )
    return QuestionnaireVersion.objects.create(
        questionnaire=questionnaire,
        number=questionnaire.versions.count() + 1,
        state=QuestionnaireVersion.State.PUBLISHED,
        document=document,
        document_hash=document_hash(document),
        published_at=now(),
    )


def make_open_round(region: Region, **values) -> Round:
    """A drawn round in the field with the small questionnaire."""
    return factories.make_drawn_round(
        region,
        questionnaire_version=values.pop("questionnaire_version", None) or make_version(),
        state=Round.State.OPEN,
        opened_at=now(),
        **values,
    )


def write_letter(case: Case) -> tuple[str, str]:
    """A letter's QR secret and typed code."""
    _case, qr, typed = issue_codes(cases=[case], batch=None, acting_user=SYSTEM)[0]
    return qr, typed


class Phone:
    """A resident's phone: its cookies, its draft, and the pages it opens, in a person's order."""

    def __init__(self, *, in_wechat: bool = False, **client) -> None:
        agent = {"HTTP_USER_AGENT": WECHAT_AGENT} if in_wechat else {}
        self.http = Client(enforce_csrf_checks=True, headers={"accept-language": "zh-CN"}, **agent, **client)
        self.client_id = str(uuid.uuid4())
        self.home = ""

    # The pages have no referrer, so a browser's form posts say "Origin: null".
    def post(self, path: str, data: dict, **extra):
        return self.http.post(
            path, data, headers={"origin": "null", "sec-fetch-site": "same-origin"}, **extra
        )

    def scan(self, qr: str):
        """Open the letter and tap the button; the answer is the page that the phone lands on."""
        assert self.http.get(f"/s/{qr}").status_code == 200
        return self.land(self.post(f"/s/{qr}", {"lang": "zh-hans"}))

    def land(self, response):
        """Follow redirects inside the site and remember the address of this visit."""
        while response.status_code == 302 and response["Location"].startswith("/"):
            path = response["Location"]
            if re.match(r"/r/[0-9a-f-]{36}/", path):
                self.home = path[: len("/r/") + 37]
            response = self.http.get(path)
        return response

    @property
    def key(self) -> str:
        return self.home.split("/")[2]

    def token(self, page: str = "") -> str:
        """The form token as the page prints it."""
        html = self.http.get(self.home + page).content.decode()
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', html)
        assert found, html[:500]
        return found[1]

    def tap(self, page: str, data: dict | None = None, token_from: str = ""):
        """Send a page's form."""
        return self.post(self.home + page, {"form_token": self.token(token_from), **(data or {})})

    def consent(self):
        return self.land(self.tap("consent"))

    def choose(self, n: int = 2):
        """`n` adults; the one with the phone has the next birthday."""
        return self.land(self.tap("who", {"n": n, "who": "me", "step": "who"}, token_from="who"))

    def get_ready(self, qr: str, n: int = 2) -> "Phone":
        """From the letter to the first question."""
        self.scan(qr)
        self.consent()
        self.choose(n)
        return self

    def settings_of_form(self) -> dict[str, str]:
        """What the questionnaire's page hands to form.js: the data attributes of its mount."""
        html = self.http.get(self.home + "form").content.decode()
        mount = re.search(r'<div id="minyi-form"([^>]*)>', html)
        assert mount, html[:500]
        return dict(re.findall(r'data-([a-z-]+)="([^"]*)"', mount[1]))

    def body(self, answers: dict | None = None, **values) -> dict:
        """What form.js would send."""
        return {
            "id": self.client_id,
            "document": self.settings_of_form()["document-hash"],
            "version": "1",
            "language": "zh-hans",
            "mode": "web",
            "answers": ANSWERS if answers is None else answers,
            "path": [],
            "started_at": datetime.now(UTC).isoformat(),
            "completed_at": datetime.now(UTC).isoformat(),
            "paradata": {"device": "phone", "returns": 0},
            **values,
        }

    def submit(self, answers: dict | None = None, **values):
        """Hand the answers in."""
        settings = self.settings_of_form()
        return self.send(self.body(answers, **values), settings["csrf"])

    def send(self, body: dict, token: str):
        """Send a body as form.js does."""
        return self.http.post(
            self.home + "submit",
            json.dumps(body),
            content_type="application/json",
            headers={"accept": "application/json", "x-csrftoken": token},
        )
