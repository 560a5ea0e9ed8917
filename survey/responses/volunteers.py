"""The volunteer sample as reports count it: how many came, how many are suspect, by which rule.

The thresholds are the program's own (no source gives them); they are printed wherever the counts stand.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

from survey.responses.models import Flag, Response
from survey.studies.models import Round

SAME_ANSWERS, SAME_DEVICE, BURST = (
    "volunteer_same_answers",
    "volunteer_same_device",
    "volunteer_burst",
)
SUSPECT = (SAME_ANSWERS, SAME_DEVICE, BURST)
SAME_ANSWERS_ITEMS = 8  # fewer closed answers may be alike by chance
BURST_ANSWERS, BURST_MINUTES = 10, 10
CLEARED = "cleared"  # the verdict of somebody who looked and found nothing

KIND_NAMES: dict[str, Any] = {
    SAME_ANSWERS: _("同一地点，每一题都答得一样"),
    SAME_DEVICE: _("一部手机换了几个微信号"),
    BURST: _("同一地点短时间里来得太多"),
}
RULE = _(
    "有下列疑点之一、又没有人核实排除的，不计入：同一地点有两份以上每一题都答得一样"
    "（答了 %(items)d 题以上的才比）；"
    "一部手机用几个微信号答；同一地点 %(minutes)d 分钟里收到 %(answers)d 份以上。每个微信号每轮只收一份。"
)


THRESHOLDS = {"items": SAME_ANSWERS_ITEMS, "minutes": BURST_MINUTES, "answers": BURST_ANSWERS}


def rule_words(thresholds: dict[str, int] | None = None) -> str:
    """The rule of exclusion, in the active language; a report gives the thresholds it was computed with."""
    return str(RULE) % (thresholds or THRESHOLDS)


@dataclass(frozen=True)
class Tally:
    """received = accepted + flagged; `kinds` counts flagged answers by doubt (one may have several)."""

    received: int = 0
    accepted: int = 0
    flagged: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    by_region: dict[int, tuple[int, int]] = field(default_factory=dict)  # region id → accepted, flagged


def doubts_of(round: Round) -> dict[Any, set[str]]:
    """{id of a response: kinds of doubt about it that nobody has cleared}."""
    doubts: dict[Any, set[str]] = {}
    open_flags = Flag.objects.filter(round=round, kind__in=SUSPECT, response__isnull=False).exclude(
        verdict=CLEARED
    )
    for response, kind in open_flags.values_list("response_id", "kind"):
        doubts.setdefault(response, set()).add(kind)
    return doubts


def volunteer_tally(round: Round) -> Tally:
    """Count a round's volunteers; no answer is read."""
    rows = list(
        Response.objects.counted()
        .filter(round=round, sample_kind=Response.SampleKind.VOLUNTEER)
        .values_list("pk", "region_id")
    )
    doubts = doubts_of(round)
    accepted: Counter[int] = Counter()
    flagged: Counter[int] = Counter()
    kinds: Counter[str] = Counter()
    for pk, region in rows:
        (flagged if pk in doubts else accepted)[region] += 1
        kinds.update(doubts.get(pk, ()))
    return Tally(
        received=len(rows),
        accepted=accepted.total(),
        flagged=flagged.total(),
        kinds=dict(sorted(kinds.items())),
        by_region={region: (accepted[region], flagged[region]) for region in {*accepted, *flagged}},
    )
