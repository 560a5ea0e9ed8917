"""What anybody may see of a draw: its state in words, what happened in which order, and its round's commits.

Everything here is read from what was published when it was committed, drawn or revealed. Seeds, secrets,
opaque ids and drawn communities are not touched: they are in the certificate, once it is revealed.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from survey.common.clock import today as today_here
from survey.sampling.commitment import FORMAT
from survey.sampling.models import Draw, SigningKey

COMMITTED, DRAWN, REVEALED, VOID, LAPSED = "committed", "drawn", "revealed", "void", "lapsed"
STATE_WORDS = {
    COMMITTED: gettext_lazy("已承诺，还没抽"),
    DRAWN: gettext_lazy("已抽取，等收卷结束后公开"),
    REVEALED: gettext_lazy("已公开，谁都能重算"),
    VOID: gettext_lazy("作废"),
    LAPSED: gettext_lazy("作废（到期没有公开）"),
}


@dataclass(frozen=True)
class Step:
    """One thing that happened or will. `state`: done, todo or bad; `at` is None where no time is known."""

    title: str
    at: datetime | None
    words: list[str]
    state: str = "done"


def public_draws() -> QuerySet[Draw]:
    """Every commitment that was ever published, the newest first. Nothing is left out for being void."""
    return (
        Draw.objects.filter(commitment__format=FORMAT)
        .select_related("design__frame", "design__round__study")
        .order_by("-committed_at", "-pk")
    )


def public_state(draw: Draw, today: date | None = None) -> str:
    """One of the states above. A draw that is not revealed in time counts as void from the day after."""
    if draw.state == Draw.State.VOID:
        return VOID
    if draw.revealed_at is not None:
        return REVEALED
    if draw.reveal_by is not None and (today or today_here()) > draw.reveal_by:
        return LAPSED
    return DRAWN if draw.state == Draw.State.DRAWN else COMMITTED


def is_simulated(draw: Draw) -> bool:
    """Whether nothing real was drawn."""
    return draw.design.round.is_simulated or draw.design.frame.is_simulated


def certificate_number(draw: Draw) -> str:
    """The number on page and paper: year of the commitment and the draw's own."""
    return f"MY-{timezone.localtime(draw.committed_at):%Y}-{draw.pk:04d}"


def timeline(draw: Draw) -> list[Step]:
    """Commit, timestamps, beacon, draw, reveal (or void), in that order."""
    steps = [_committed(draw), *_stamped(draw), _beacon(draw), _drawn(draw)]
    return [*steps, _ended(draw)]


def commits_of_round(draw: Draw) -> list[tuple[Draw, str]]:
    """Every commitment of the round with its public state, also those that came to nothing."""
    rows = public_draws().filter(design__round=draw.design.round_id).order_by("number")
    return [(row, str(STATE_WORDS[public_state(row)])) for row in rows]


def signing_keys() -> list[SigningKey]:
    """All public keys of the office, the retired ones too."""
    return list(SigningKey.objects.order_by("-created_at"))


def _committed(draw: Draw) -> Step:
    parties = "、".join(party.name for party in draw.parties.all())
    words = [_("名录、抽法和秘密都定下来，只公布指纹。定下以后一个字也改不了。")]
    if parties:
        words.append(_("出秘密的：%(names)s。") % {"names": parties})
    return Step(_("锁定并公布承诺"), draw.committed_at, words)


def _stamped(draw: Draw) -> list[Step]:
    stamps = list(draw.timestamps.all())
    if not stamps:
        return [Step(_("第三方时间戳"), None, [_("还没有。现在只有调查组自己的时间记录。")], "todo")]
    return [
        Step(
            _("第三方作证：%(who)s") % {"who": stamp.authority},
            stamp.stamped_at,
            [str(stamp.get_kind_display()) + (f" · {stamp.note}" if stamp.note else "")],
        )
        for stamp in stamps
    ]


def _beacon(draw: Draw) -> Step:
    kind = draw.get_beacon_kind_display()
    words = [f"{draw.beacon_name} · {kind}"]
    if draw.beacon:
        words.append(_("开出来的是：%(value)s") % {"value": draw.beacon})
    else:
        words.append(_("承诺的时候，谁也不知道它会开出什么。"))
    return Step(_("公开随机数揭晓"), draw.beacon_at, words, "done" if draw.beacon else "todo")


def _drawn(draw: Draw) -> Step:
    if draw.drawn_at is None:
        return Step(_("抽取"), None, [_("等随机数开出来再抽。")], "todo")
    plan = draw.design.plan
    words = _("%(psus)s 个社区（单位），%(cases)s 户，连同备用共 %(all)s 户。")
    counts = {
        "psus": f"{plan['n_psus']:,}",
        "cases": f"{plan['n_cases']:,}",
        "all": f"{plan['n_cases_with_reserves']:,}",
    }
    lines = [words % counts]
    if draw.revealed_at is None:
        lines.append(_("名单封存，收卷结束前不公开：早公开，等于告诉人哪几户被抽中。"))
    return Step(_("抽取并封存"), draw.drawn_at, lines)


def _ended(draw: Draw) -> Step:
    state = public_state(draw)
    day = date_format(draw.reveal_by, "Y 年 n 月 j 日") if draw.reveal_by else "—"
    if state == VOID:
        return Step(_("作废"), draw.voided_at, [draw.void_reason or _("没有写理由。")], "bad")
    if state == LAPSED:
        words = _("答应在 %(day)s前公开秘密，没有公开。按规则算作废，不能当证据。")
        return Step(_("作废（到期没有公开）"), None, [words % {"day": day}], "bad")
    if state == REVEALED:
        words = [_("秘密、种子和抽中的编号都公开了，谁都能重算一遍。编号看不出是哪一家。")]
        late = draw.reveal_by is not None and timezone.localdate(draw.revealed_at) > draw.reveal_by
        if late:
            words.append(_("答应的是 %(day)s前，公开晚了。") % {"day": day})
        return Step(_("公开，任人重算"), draw.revealed_at, words, "bad" if late else "done")
    words = _("收卷结束后、%(day)s前公开秘密。")
    return Step(_("公开，任人重算"), None, [words % {"day": day}], "todo")


def plain_sentence(draw: Draw) -> str:
    """What was (or will be) drawn from what, in one sentence."""
    plan = draw.design.plan
    words = (
        _("从 %(frame)s 户家庭户里抽 %(psus)s 个社区、%(cases)s 户。")
        if public_state(draw) in (DRAWN, REVEALED)
        else _("打算从 %(frame)s 户家庭户里抽 %(psus)s 个社区、%(cases)s 户。")
    )
    return words % {
        "frame": f"{plan['n_households']:,}",
        "psus": f"{plan['n_psus']:,}",
        "cases": f"{plan['n_cases']:,}",
    }


def summary(draw: Draw) -> dict[str, Any]:
    """What the list of draws shows of one."""
    state = public_state(draw)
    return {
        "draw": draw,
        "state": state,
        "words": STATE_WORDS[state],
        "number": certificate_number(draw),
        "sentence": plain_sentence(draw),
        "simulated": is_simulated(draw),
    }
