"""Who may be written to on WeChat, by which channel, right now. Pure; each rule names its source.

Protocol file, section 10, with its tags of certainty:

- customer-service message: within 48 hours of the user's own message, 5 at most; within 1 minute of a follow,
  a scan or a menu click, 3 at most; the two do not add up [3P ithome 696/375]. Margins are ours: what is
  decided now is sent a little later.
- subscription message (订阅通知): one for each time the user agreed to that template [D].
- template message: followers only, and for service notices only [D]. A reminder to answer a survey is not
  clearly one, so it also needs the resident's consent to the survey, and the plan's word that it is one.
- mass message: four a month for each user of a service account [D].
- nobody who wrote 退订, blocks the account, or left it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LONG_WINDOW, LONG_LIMIT = timedelta(hours=48), 5
SHORT_WINDOW, SHORT_LIMIT = timedelta(minutes=1), 3
LONG_MARGIN, SHORT_MARGIN = timedelta(minutes=10), timedelta(seconds=10)
MASS_A_MONTH = 4

# Why nobody is written to, in the order of precedence. The words for people are in `planning.REASONS`.
OPTED_OUT, NOT_FOLLOWER, NO_CHANNEL = "opted_out", "not_follower", "no_channel"
WINDOW_CLOSED, WINDOW_USED, NO_GRANT = "window_closed", "window_used", "no_grant"
NO_CONSENT, MASS_USED = "no_consent", "mass_used"


@dataclass(frozen=True)
class Recipient:
    """What is known of a WeChat user at the moment of the decision.

    Attributes
    ----------
    n_since_message, n_since_touch : customer-service messages sent since her last message, and since her last
        follow, scan or click.
    grants : template id → how many subscription messages she still agreed to.
    n_mass_this_month : mass messages in this calendar month.
    """

    is_follower: bool
    opted_out: bool = False
    has_consented: bool = False
    last_message_at: datetime | None = None
    last_touch_at: datetime | None = None
    n_since_message: int = 0
    n_since_touch: int = 0
    grants: dict[str, int] = field(default_factory=dict)
    n_mass_this_month: int = 0


def custom_window(person: Recipient, moment: datetime) -> str:
    """ "" when a customer-service message may be sent now, otherwise why not."""
    reason = WINDOW_CLOSED
    for opened, length, margin, sent, limit in (
        (person.last_message_at, LONG_WINDOW, LONG_MARGIN, person.n_since_message, LONG_LIMIT),
        (person.last_touch_at, SHORT_WINDOW, SHORT_MARGIN, person.n_since_touch, SHORT_LIMIT),
    ):
        if opened is None or moment >= opened + length - margin:
            continue
        if sent < limit:
            return ""
        reason = WINDOW_USED
    return reason


def may_mass(person: Recipient) -> str:
    """ "" when a mass message may reach her this month, otherwise why not."""
    if person.opted_out:
        return OPTED_OUT
    if not person.is_follower:
        return NOT_FOLLOWER
    return "" if person.n_mass_this_month < MASS_A_MONTH else MASS_USED


def choose_channel(
    person: Recipient,
    *,
    channels: Sequence[str],
    template_id: str = "",
    is_service_notice: bool = False,
    moment: datetime,
) -> tuple[str, str]:
    """The first of the step's channels that may be used: (channel, ""), or ("", why the last one may not)."""
    if person.opted_out:
        return "", OPTED_OUT
    reason = NO_CHANNEL
    for channel in channels:
        reason = _refused(person, channel, template_id, is_service_notice, moment)
        if not reason:
            return channel, ""
    return "", reason


def _refused(
    person: Recipient, channel: str, template_id: str, is_service_notice: bool, moment: datetime
) -> str:
    if channel == "mass":
        return may_mass(person)
    if channel == "subscribe":
        return "" if person.grants.get(template_id, 0) > 0 else NO_GRANT
    if not person.is_follower:
        return NOT_FOLLOWER
    if channel == "custom":
        return custom_window(person, moment)
    if channel == "template" and is_service_notice:
        return "" if person.has_consented else NO_CONSENT
    return NO_CHANNEL
