"""WeChat as a way in to the questionnaire."""

import re

from django.http import HttpRequest
from django.urls import reverse

from survey.responses.channels import Channel, register_channel
from survey.responses.models import Respondent
from survey.studies.models import Study
from survey.wechat.services import CHANNEL, account_for

# A hint and never a proof (protocol file, section 8); 企业微信 ("wxwork") has other accounts and log-ins.
_IN_WECHAT = re.compile(r"(?i)MicroMessenger")
_ELSEWHERE = re.compile(r"(?i)wxwork|miniProgram")


def takes(request: HttpRequest, study: Study) -> bool:
    """Opened inside WeChat, and the study has an account there."""
    agent = request.headers.get("User-Agent", "")
    return bool(_IN_WECHAT.search(agent)) and not _ELSEWHERE.search(agent) and account_for(study) is not None


def start(respondent: Respondent) -> str:
    """Where the log-in begins."""
    return reverse("wechat:start", args=[respondent.public_id])


def register() -> None:
    """Called when the app is ready."""
    register_channel(Channel(name=CHANNEL, takes=takes, start=start))
