"""How a resident who opened a letter is led to her questionnaire.

Without any channel the browser's own secret is enough. An app above this one may register a channel that
first proves who she is (WeChat's log-in): it says whether it takes a request, and where it starts. When it
is done it calls `services.enter` with the identity's keyed hash. So this app never imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest

from survey.responses.models import Respondent
from survey.studies.models import Study

BROWSER = "browser"


@dataclass(frozen=True)
class Channel:
    """One way to prove an identity.

    Attributes
    ----------
    name : stored with the respondent (at most 10 characters).
    takes : whether this request, for this study, should come this way.
    start : the address where the proof begins, for a respondent whose identity is still open.
    """

    name: str
    takes: Callable[[HttpRequest, Study], bool]
    start: Callable[[Respondent], str]


_CHANNELS: dict[str, Channel] = {}


def register_channel(channel: Channel) -> None:
    """Called once at start-up by the app that owns the channel."""
    _CHANNELS[channel.name] = channel


def channel_for(request: HttpRequest, study: Study) -> Channel | None:
    """The first channel that takes the request; None: the browser alone."""
    return next((channel for channel in _CHANNELS.values() if channel.takes(request, study)), None)


def start_address(respondent: Respondent) -> str:
    """Where a respondent with an open identity goes.

    Raises
    ------
    KeyError : her channel is not registered.
    """
    return _CHANNELS[respondent.channel].start(respondent)
