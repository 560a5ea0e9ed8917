"""Commits to a draw in public, collects time stamps and secrets, and gives a draw up with a reason."""

import secrets
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.crypto import encrypt, same
from survey.common.errors import Problem
from survey.sampling import beacons
from survey.sampling.commitment import SECRET_BYTES, hash_commitment, hash_secret, make_commitment
from survey.sampling.frame_trees import frame_root, recorded_roots
from survey.sampling.models import Design, Draw, DrawParty, DrawTimestamp, FrameVersion
from survey.sampling.rights import check_right
from survey.sampling.selection import strata_of_plan
from survey.sampling.signing import current_key
from survey.sampling.timestamps import UnreadableToken, read_stamp
from survey.sampling.tree import ALGORITHM as FRAME_ALGORITHM
from survey.stats.selection import ALGORITHM, STREAM_ALGORITHM
from survey.studies.models import Round

SECRET_PURPOSE = "sampling.draw_secret"  # noqa: S105 - the name of a purpose
LEAST_WAIT = timedelta(minutes=10)  # between the commitment and the beacon: time to have it stamped
LONGEST_WAIT = timedelta(days=90)
CLOCKS_DIFFER = timedelta(minutes=5)
MOST_PARTIES = 20

Party = tuple[str, str]  # name, hex SHA-256 of the secret


def commit_draw(
    *,
    design: Design,
    beacon_kind: str,
    beacon_name: str,
    beacon_at: datetime,
    reveal_by: date,
    parties: Sequence[Party] = (),
    reason: str = "",
    acting_user: Actor,
) -> Draw:
    """Fix everything that a draw depends on, before its public random number is known.

    Parameters
    ----------
    beacon_at : before this moment nobody knows the beacon's value.
    reveal_by : the last day on which secrets and certificate are revealed; after it the draw counts as void.
    parties : others who bring a secret of their own, as (name, hex SHA-256 of it); the office is number 1.
    reason : of another draw, when the round has one.

    Raises
    ------
    Problem common.forbidden, common.locked : no right; the round is closed, or open with a draw.
    Problem sampling.commit_pending : another commitment of the round waits for its draw.
    Problem sampling.already_drawn : the round has a draw and no reason is given.
    Problem sampling.frame_old, sampling.frame_altered : the frame has no hash trees; something was changed.
    Problem common.invalid : the beacon, its time, the day or a party; says which and why.
    """
    check_right(acting_user, "sampling.commit", design.round.study.region)
    name, moment = _checked_beacon(design, beacon_kind, beacon_name, beacon_at)
    _check_day(design.round, moment, reveal_by)
    others = [_checked_party(who, digest) for who, digest in parties]
    if len(others) >= MOST_PARTIES or len({digest for _who, digest in others}) < len(others):
        raise Problem("common.invalid", reason=_("参与方太多，或两方的秘密指纹相同"))
    with transaction.atomic():
        round_ = Round.objects.select_for_update().get(pk=design.round_id)
        design = _locked_design(design)
        _refuse_pending(round_)
        former_draw(round_, reason)
        refuse_altered_plan(design)
        secret = secrets.token_bytes(SECRET_BYTES)
        everybody = [(round_.study.sponsor[:100], hash_secret(secret)), *others]
        draw = _store(design, (beacon_kind, name, moment), reveal_by, everybody, reason, acting_user)
        _store_parties(draw, everybody, secret)
        design.locked_at = design.locked_at or draw.committed_at
        design.save(update_fields=["locked_at"])
        record(
            action="sampling.draw.committed",
            acting_user=acting_user,
            target=draw,
            region_code=round_.study.region.code,
            detail={
                "draw": draw.number,
                "commitment_hash": draw.commitment_hash,
                "beacon": name,
                "parties": len(everybody),
                "reason": draw.reason,
            },
        )
    return draw


def record_timestamp(
    *,
    draw: Draw,
    kind: str,
    authority: str,
    stamped_at: datetime | None = None,
    token: bytes = b"",
    address: str = "",
    note: str = "",
    acting_user: Actor,
) -> DrawTimestamp:
    """Keep a third party's word that the commitment existed. A token of RFC 3161 brings its own time.

    Raises
    ------
    Problem common.invalid : the token stamps something else or cannot be read; a publication without its
        address, a notary's paper without its number; a time before the commitment or in the future.
    Problem common.locked : the draw is void or revealed.
    """
    _check_draw_right(draw, "sampling.commit", acting_user)
    if kind not in DrawTimestamp.Kind.values or not authority.strip():
        raise _invalid(_("请选是哪一种证明，并写明由谁作证"))
    if kind == DrawTimestamp.Kind.RFC3161:
        stamped_at = _stamped(draw, token)
    elif token:
        raise _invalid(_("只有时间戳机构的回执才上传文件"))
    if kind == DrawTimestamp.Kind.PUBLICATION and not address.strip():
        raise _invalid(_("公开发表要写网址"))
    if kind == DrawTimestamp.Kind.NOTARY and not note.strip():
        raise _invalid(_("公证要写公证书编号"))
    if stamped_at is None or not draw.committed_at - CLOCKS_DIFFER <= stamped_at <= now() + CLOCKS_DIFFER:
        raise _invalid(_("作证的时间应在承诺之后、现在之前"))
    with transaction.atomic():
        draw = _locked_draw(draw)
        if draw.state == Draw.State.VOID or draw.revealed_at is not None:
            raise Problem("common.locked", what=_("这次抽样"))
        stamp = DrawTimestamp.objects.create(
            draw=draw,
            kind=kind,
            authority=authority.strip()[:200],
            stamped_at=stamped_at,
            token=token or None,
            address=address.strip()[:500],
            note=note.strip()[:300],
            recorded_at=now(),
            recorded_by_id=acting_user.pk or None,
        )
        _record(draw, "timestamped", acting_user, kind=kind, authority=stamp.authority)
    return stamp


def give_secret(*, draw: Draw, party_number: int, secret_hex: str, acting_user: Actor) -> DrawParty:
    """Take a party's secret: it must be the one that she committed to.

    Raises
    ------
    Problem common.invalid : not 64 hexadecimal digits, or not the committed secret; no such party.
    Problem common.locked : the draw is no longer waiting, or the secret was given.
    """
    _check_draw_right(draw, "sampling.draw", acting_user)
    secret = _hex_bytes(secret_hex)
    if secret is None:
        raise _invalid(_("秘密应是 64 位十六进制数（0–9、a–f）"))
    with transaction.atomic():
        draw = _locked_draw(draw)
        if draw.state != Draw.State.COMMITTED:
            raise Problem("common.locked", what=_("这次抽样"))
        party = draw.parties.select_for_update().filter(number=party_number).first()
        if party is None:
            raise _invalid(_("没有第 {number} 方").format(number=party_number))
        if party.secret_cipher is not None:
            raise Problem("common.locked", what=_("这一方的秘密"))
        if not same(hash_secret(secret), party.secret_hash):
            raise _invalid(_("这不是{name}承诺过的秘密：指纹不符。请核对有没有抄错").format(name=party.name))
        party.secret_cipher, party.given_at = encrypt(secret.hex(), SECRET_PURPOSE), now()
        party.save(update_fields=["secret_cipher", "given_at"])
        _record(draw, "secret_given", acting_user, party=party.number)
    return party


def void_draw(*, draw: Draw, reason: str, acting_user: Actor) -> Draw:
    """Give a commitment or a draw up, with a reason that everybody will read. Its rows stay.

    Raises
    ------
    Problem common.invalid : no reason.
    Problem common.locked : it is void already, or its cases are in the field.
    """
    _check_draw_right(draw, "sampling.commit", acting_user)
    if not reason.strip():
        raise _invalid(_("作废要写明理由，理由会一直公开"))
    with transaction.atomic():
        round_ = Round.objects.select_for_update().get(pk=draw.design.round_id)
        draw = _locked_draw(draw)
        in_field = draw.state == Draw.State.DRAWN and round_.state != Round.State.DRAFT
        if draw.state == Draw.State.VOID or in_field:
            raise Problem("common.locked", what=_("这次抽样"))
        draw.state, draw.voided_at, draw.void_reason = Draw.State.VOID, now(), reason.strip()[:300]
        draw.save(update_fields=["state", "voided_at", "void_reason"])
        _record(draw, "voided", acting_user, reason=draw.void_reason)
    return draw


def former_draw(round_: Round, reason: str) -> Draw | None:
    """The draw that a new one would make void; refuses when there may be none."""
    if round_.state == Round.State.CLOSED:
        raise Problem("common.locked", what=_("这一轮"))
    before = Draw.objects.filter(design__round=round_, state=Draw.State.DRAWN).first()
    if before is None:
        return None
    if not reason.strip():
        raise Problem("sampling.already_drawn")
    if round_.state != Round.State.DRAFT:
        raise Problem("common.locked", what=_("这一轮（已经开始收卷）"))
    return before


def refuse_altered_plan(design: Design) -> None:
    """Refuse when design, strata or the recorded trees are not what they were when they were made."""
    if design.frame.hash_algorithm != FRAME_ALGORITHM:
        raise Problem("sampling.frame_old")
    if sha256_of(design.spec) != design.spec_hash:
        raise Problem("sampling.frame_altered", reason=_("设计被改动过"))
    rows = design.strata.values_list("code", "n_psus_frame", "n_psus_take", "n_households_frame")
    if strata_of_plan(design.plan) != {code: tuple(rest) for code, *rest in rows}:
        raise Problem("sampling.frame_altered", reason=_("设计的分层和计划不符"))
    roots = recorded_roots(design.frame)
    if not roots or frame_root(roots) != design.frame.frame_hash:
        raise Problem("sampling.frame_altered", reason=_("名录的指纹不符"))


def _refuse_pending(round_: Round) -> None:
    waiting = Draw.objects.filter(design__round=round_, state=Draw.State.COMMITTED).first()
    if waiting is not None:
        raise Problem("sampling.commit_pending", number=waiting.number)


def _checked_beacon(design: Design, kind: str, name: str, moment: datetime) -> tuple[str, datetime]:
    """Name and time in the form that is committed to."""
    if kind not in Draw.BeaconKind.values:
        raise _invalid(_("公开随机源没有这一种"))
    try:
        name = beacons.normalise_name(kind, name)
    except beacons.Unreadable as error:
        raise _invalid(beacon_words(error)) from error
    moment = moment.replace(microsecond=0)
    if kind == Draw.BeaconKind.DEMO:
        if not design.frame.is_simulated:
            raise _invalid(_("演示用的随机源只能用在模拟名录上"))
        return name, moment
    if kind == Draw.BeaconKind.DRAND:
        published = beacons.drand_time(*beacons.drand_round(name))
        if published > moment:
            raise _invalid(_("drand 这一轮 {at} 才公布，揭晓时间不能更早").format(at=_local(published)))
        moment = published  # a later time would hide that the round was known already
    if not now() + LEAST_WAIT <= moment <= now() + LONGEST_WAIT:
        raise _invalid(_("揭晓时间（{at}）应在 10 分钟以后、90 天以内").format(at=_local(moment)))
    return name, moment


def beacon_words(error: beacons.Unreadable) -> str:
    """Why a beacon's name or value was refused, in words."""
    texts = {
        "no_name": _("请写明是哪一期、哪一轮"),
        "no_value": _("请填公开随机数"),
        "lottery_name": _("请写彩种和期号，例如“双色球 2026136 期”；认得的彩种：{games}"),
        "drand_name": _("请写链名和轮次，例如“drand quicknet 第 27946612 轮”"),
        "lottery_value": _("这不是{game}的开奖号码。请照公告填，例如“{example}”"),
        "drand_value": _("drand 的随机数（randomness）是 64 位十六进制数"),
    }
    return texts[error.kind].format(**error.values)


def _local(moment: datetime) -> str:
    return f"{localtime(moment):%Y-%m-%d %H:%M:%S}"


def _check_day(round_: Round, beacon_at: datetime, reveal_by: date) -> None:
    if reveal_by < localtime(beacon_at).date():
        raise _invalid(_("公布日期不能早于揭晓的那一天"))
    if round_.closes_on is not None and reveal_by < round_.closes_on:
        raise _invalid(_("公布日期不能早于收卷结束的日子（{day}）").format(day=round_.closes_on))


def _checked_party(name: str, digest: str) -> Party:
    name, digest = name.strip(), digest.strip().lower()
    if not name or len(name) > 100 or _hex_bytes(digest) is None:
        raise _invalid(_("每一方要有名称，和 64 位十六进制的秘密指纹（SHA-256）"))
    return name, digest


def _hex_bytes(text: str) -> bytes | None:
    """32 bytes from 64 hexadecimal digits, spaces ignored; None for anything else."""
    try:
        raw = bytes.fromhex(text.strip())
    except ValueError:
        return None
    return raw if len(raw) == SECRET_BYTES else None


def _stamped(draw: Draw, token: bytes) -> datetime:
    reasons = {
        "format": _("这个文件不是时间戳回执（RFC 3161）"),
        "refused": _("时间戳机构没有盖章，请重新申请"),
        "algorithm": _("时间戳要用 SHA-256"),
        "other_content": _("这个时间戳盖的不是这份承诺"),
    }
    try:
        return read_stamp(token, draw.commitment_hash).stamped_at
    except UnreadableToken as error:
        raise _invalid(reasons[error.reason]) from error


def _locked_design(design: Design) -> Design:
    return (
        Design.objects.select_for_update(of=("self",))
        .select_related("frame", "round__study__region")
        .get(pk=design.pk)
    )


def _locked_draw(draw: Draw) -> Draw:
    return (
        Draw.objects.select_for_update(of=("self",))
        .select_related("design__frame", "design__round__study__region")
        .get(pk=draw.pk)
    )


def _check_draw_right(draw: Draw, action: str, acting_user: Actor) -> None:
    check_right(acting_user, action, draw.design.round.study.region)


def _store(
    design: Design,
    beacon: tuple[str, str, datetime],
    reveal_by: date,
    everybody: Sequence[Party],
    reason: str,
    acting_user: Actor,
) -> Draw:
    last = Draw.objects.filter(design__round=design.round_id).aggregate(last=Max("number"))["last"]
    frame: FrameVersion = design.frame
    commitment = make_commitment(
        algorithms={"draw": ALGORITHM, "stream": STREAM_ALGORITHM, "frame": frame.hash_algorithm},
        study=design.round.study.title,
        round_name=design.round.name,
        draw_number=(last or 0) + 1,
        design_hash=design.spec_hash,
        plan_hash=sha256_of(design.plan),
        frame_hash=frame.frame_hash,
        parties=[(number, who, digest) for number, (who, digest) in enumerate(everybody, start=1)],
        beacon=beacon,
        reveal_by=reveal_by,
        public_key=current_key().public_key,
    )
    kind, name, moment = beacon
    return Draw.objects.create(
        design=design,
        number=commitment["draw_number"],
        reason=reason.strip()[:300],
        algorithm=ALGORITHM,
        commitment=commitment,
        commitment_hash=hash_commitment(commitment),
        secret_hash=everybody[0][1],
        beacon_kind=kind,
        beacon_name=name,
        beacon_at=moment,
        reveal_by=reveal_by,
        committed_at=now(),
        drawn_by_id=acting_user.pk or None,
    )


def _store_parties(draw: Draw, everybody: Sequence[Party], secret: bytes) -> None:
    """The office's own secret lies encrypted from the start; the others' hashes wait for theirs."""
    for number, (who, digest) in enumerate(everybody, start=1):
        own = number == 1
        DrawParty.objects.create(
            draw=draw,
            number=number,
            name=who,
            secret_hash=digest,
            secret_cipher=encrypt(secret.hex(), SECRET_PURPOSE) if own else None,
            given_at=now() if own else None,
        )


def _record(draw: Draw, deed: str, acting_user: Actor, **detail: object) -> None:
    record(
        action=f"sampling.draw.{deed}",
        acting_user=acting_user,
        target=draw,
        region_code=draw.design.round.study.region.code,
        detail={"draw": draw.number, **detail},
    )


def _invalid(reason: str) -> Problem:
    return Problem("common.invalid", reason=reason)
