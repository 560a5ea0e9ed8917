"""A small draw made, closed and revealed, for the tests of certificate and verifier."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from survey.audit.services import SYSTEM
from survey.sampling.commitment import hash_secret
from survey.sampling.models import Draw
from survey.sampling.public_frame import frame_lines
from survey.sampling.services import (
    commit_draw,
    create_design,
    draw_sample,
    give_secret,
    record_timestamp,
    reveal_draw,
)
from tests import factories

BEACON_AT = datetime(2026, 12, 1, 13, 15, tzinfo=UTC)
COMMITTED_AT = BEACON_AT - timedelta(days=2)
PARTY_SECRET = bytes(range(32))


def make_spec(take: int = 3, **values) -> dict[str, Any]:
    stages = [
        {"unit": "psu", "method": "pps_systematic"},
        {"unit": "household", "method": "srs", "take": take},
    ]
    return {"stages": stages, "n_psus": 6, "reserve_replicates": 1, "reserve_take": 1, **values}


def hold_clock(monkeypatch, moment: datetime) -> None:
    """The program's one clock stands still at a moment."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


class Revealed(NamedTuple):
    draw: Draw
    certificate: dict[str, Any]
    lines: list[str]

    def copy(self) -> dict[str, Any]:
        """The certificate as it would be read from a file, free to be altered."""
        return copy.deepcopy(self.certificate)


def make_committed(regions, monkeypatch, **spec) -> Draw:
    """天桥区 and 槐荫区, 12 households in a community; lottery, two parties, one stamp."""
    round_ = factories.make_round(factories.make_study(regions["370100000000"]))
    frame = factories.make_frame(regions["370100000000"], households=12)
    design = create_design(round=round_, frame=frame, spec=make_spec(**spec), acting_user=SYSTEM)
    hold_clock(monkeypatch, COMMITTED_AT)
    draw = commit_draw(
        design=design,
        beacon_kind="lottery",
        beacon_name="双色球 2026136 期",
        beacon_at=BEACON_AT,
        reveal_by=datetime(2027, 3, 1, tzinfo=UTC).date(),
        parties=[("济南市统计学会", hash_secret(PARTY_SECRET))],
        acting_user=SYSTEM,
    )
    hold_clock(monkeypatch, COMMITTED_AT + timedelta(hours=1))
    record_timestamp(
        draw=draw,
        kind="publication",
        authority="济南日报",
        stamped_at=COMMITTED_AT + timedelta(hours=1),
        address="https://example.cn/notice",
        acting_user=SYSTEM,
    )
    return draw


def make_drawn(regions, monkeypatch, **spec) -> Draw:
    """The same, drawn an hour after the lottery."""
    draw = make_committed(regions, monkeypatch, **spec)
    hold_clock(monkeypatch, BEACON_AT + timedelta(hours=1))
    give_secret(draw=draw, party_number=2, secret_hex=PARTY_SECRET.hex(), acting_user=SYSTEM)
    return draw_sample(draw=draw, beacon_value="03 09 14 21 26 32+07", acting_user=SYSTEM)


def make_revealed(regions, monkeypatch, **spec) -> Revealed:
    """The same, with its field closed, revealed in time."""
    draw = make_drawn(regions, monkeypatch, **spec)
    round_ = draw.design.round
    round_.state = "closed"
    round_.save()
    hold_clock(monkeypatch, BEACON_AT + timedelta(days=60))
    draw = reveal_draw(draw=draw, acting_user=SYSTEM)
    return Revealed(draw, draw.certificate, list(frame_lines(draw.design.frame)))
