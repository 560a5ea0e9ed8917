"""One cast of people and one small district, made through the models so that any layer can use them."""

import uuid

from django.db.models import Max

from survey.accounts.models import Grant, User
from survey.audit.services import SYSTEM
from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.common.crypto import encrypt, keyed_hash
from survey.regions.models import Region
from survey.sampling.lines import FAMILY, FrameHash, Line, commit_line, normalise_address
from survey.sampling.models import (
    Case,
    Draw,
    DrawnPSU,
    FrameUnit,
    FrameVersion,
    ReserveReplicate,
)
from survey.sampling.services import create_design
from survey.studies.models import ConsentText, Round, Study

REGIONS = [
    ("370000000000", "37", "山东省", "province"),
    ("370100000000", "3701", "济南市", "city"),
    ("370104000000", "370104", "槐荫区", "district"),
    ("370104001000", "370104001", "振兴街街道", "street"),
    ("370104001001", "370104001001", "纬十二路社区居委会", "community"),
    ("370104001002", "370104001002", "振兴花园社区居委会", "community"),
    ("370105000000", "370105", "天桥区", "district"),
    ("370105001000", "370105001", "无影山街道", "street"),
    ("370105001001", "370105001001", "济洛路社区居委会", "community"),
    ("370105001002", "370105001002", "无影山中路社区居委会", "community"),
    ("370105001003", "370105001003", "无影山新村社区居委会", "community"),
    ("370105003000", "370105003", "天桥东街街道", "street"),
    ("370105003001", "370105003001", "车站街社区居委会", "community"),
    ("370105003002", "370105003002", "天桥东街社区居委会", "community"),
    ("370105003003", "370105003003", "津浦社区居委会", "community"),
]


def make_regions() -> dict[str, Region]:
    """The small tree, by code."""
    made: dict[str, Region] = {}
    by_path: dict[str, Region] = {}
    for code, path, name, level in REGIONS:
        parent = next((by_path[path[:n]] for n in range(len(path) - 1, 1, -1) if path[:n] in by_path), None)
        made[code] = by_path[path] = Region.objects.create(
            code=code, path=path, name=name, level=level, parent=parent
        )
    return made


def make_user(username: str, role: str | None = None, region: Region | None = None, **values) -> User:
    """An account with one grant; its password is the username with "-password"."""
    user = User.objects.create_user(username=username, password=f"{username}-password", **values)
    if role:
        Grant.objects.create(user=user, role=role, region=region)
    return user


def make_study(region: Region, **values) -> Study:
    """A study of a region."""
    defaults = {
        "title": "济南市居民满意度调查",
        "sponsor": "济南市居民满意度调查组",
        "purpose": "看看哪些事该先办，办了以后有没有变好",
        "contact_phone": "0531-12345",
        "population": "18 岁及以上常住居民",
    }
    study = Study.objects.create(region=region, **{**defaults, **values})
    study.scope.add(region)
    return study


def make_round(study: Study, **values) -> Round:
    """The study's first round, with a consent text, still a draft unless told otherwise."""
    text = {"zh-hans": {"lead": "想听听您的看法", "voluntary": "可以不参加"}}
    consent = ConsentText.objects.create(study=study, number=1, texts=text, text_hash=sha256_of(text))
    defaults = {"number": 1, "name": "2026 年下半年", "modes": ["web", "door"], "consent_text": consent}
    return Round.objects.create(study=study, **{**defaults, **values})


def make_frame(region: Region, *, households: int = 30, **values) -> FrameVersion:
    """A ready frame of the region: `households` family households in each of its communities.

    Addresses are really encrypted; the household number of community i, line j is "i-j".
    """
    communities = list(Region.objects.within(region.path).filter(level="community").order_by("path"))
    number = (FrameVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    defaults = {
        "number": number,
        "name": "测试住户名录",
        "state": FrameVersion.State.READY,
        "source_name": "households.csv",
        "source_hash": sha256_of([region.code, number]),
        "n_households": households * len(communities),
        "n_communities": len(communities),
    }
    frame = FrameVersion.objects.create(region=region, **{**defaults, **values})
    units, frame_hash = [], FrameHash()
    for i, community in enumerate(communities, start=1):
        for j in range(1, households + 1):
            address = f"{community.name} {j} 号楼 {j * 101} 室"
            normalised = normalise_address(address)
            salt = sha256_of([community.code, j]).encode()[:16]
            opaque_id = uuid.uuid5(uuid.NAMESPACE_OID, f"{number}-{community.code}-{j}")
            unit = FrameUnit(
                frame=frame,
                position=len(units) + 1,
                opaque_id=opaque_id,
                community=community,
                household_number=f"{i}-{j}",
                address_cipher=encrypt(address, "sampling.address"),
                address_hash=keyed_hash(normalised, "sampling.address"),
                salt=salt,
                commitment=commit_line(
                    salt=salt,
                    opaque_id=str(opaque_id),
                    community_code=community.code,
                    kind=FAMILY,
                    address=normalised,
                ),
            )
            units.append(unit)
            frame_hash.add(Line(unit.position, str(opaque_id), community.code, FAMILY, unit.commitment))
    FrameUnit.objects.bulk_create(units, batch_size=500)
    frame.frame_hash = frame_hash.hexdigest()
    frame.save(update_fields=["frame_hash"])
    return frame


def make_drawn_round(
    region: Region, *, study: Study | None = None, take: int = 3, households: int = 30, **round_values
) -> Round:
    """A round with a drawn two-stage sample of the region; its cases are `round.cases`.

    The design is a real one. The draw is made by hand, so that tests know it: in a street of three or more
    communities the first two (probability 2/N each); in a smaller street all, each a certainty stratum with
    households as PSUs. In every PSU the first `take` of `households` households are cases (take/households).
    With 天桥区: 2 strata, 4 PSUs, 4 × take cases, all in the released replicate 0.
    """
    study = study or make_study(region)
    state = round_values.pop("state", Round.State.DRAFT)
    round_ = make_round(study, **round_values)
    frame = make_frame(region, households=households)
    streets = list(Region.objects.within(region.path).filter(level="street").order_by("path"))
    spec = {
        "stages": [
            {"unit": "psu", "method": "pps_systematic"},
            {"unit": "household", "method": "srs", "take": take},
        ],
        "n_psus": 2 * len(streets),
    }
    design = create_design(round=round_, frame=frame, spec=spec, acting_user=SYSTEM)
    draw = Draw.objects.create(
        design=design,
        number=1,
        state=Draw.State.DRAWN,
        algorithm="two-stage-pps-1",
        commitment_hash=design.spec_hash,
        secret_hash=sha256_of("secret"),
        seed=sha256_of("seed"),
        committed_at=now(),
        drawn_at=now(),
    )
    replicate = ReserveReplicate.objects.create(draw=draw, number=0, n_cases=0, released_at=now())
    for street in streets:
        _draw_street(draw, replicate, street, take, households)
    replicate.n_cases = draw.cases.count()
    replicate.save(update_fields=["n_cases"])
    round_.state = state
    round_.save(update_fields=["state"])
    return round_


def _draw_street(draw: Draw, replicate: ReserveReplicate, street: Region, take: int, households: int) -> None:
    """The strata, PSUs and cases of one street of `make_drawn_round`."""
    communities = list(street.children.filter(level="community").order_by("path"))
    certain = len(communities) < 3
    for community in communities if certain else communities[:2]:
        stratum = draw.design.strata.get(code=community.code if certain else street.code)
        psu = draw.design.frame.psus.get(code=community.code)
        exact = "1/1" if certain else f"2/{len(communities)}"
        drawn = DrawnPSU.objects.create(
            draw=draw,
            psu=psu,
            stratum=stratum,
            is_certainty=certain,
            probability=1.0 if certain else 2 / len(communities),
            probability_exact=exact,
            order=draw.psus.count() + 1,
        )
        units = draw.design.frame.units.filter(community=community).order_by("position")[:take]
        for unit in units:
            number = draw.cases.count() + 1
            Case.objects.create(
                draw=draw,
                round=draw.design.round,
                opaque_id=uuid.uuid5(uuid.NAMESPACE_OID, f"case-{draw.pk}-{unit.opaque_id}"),
                number=f"{draw.number}-{number:05d}",
                frame_unit=unit,
                drawn_psu=drawn,
                replicate=replicate,
                community=community,
                stage1_probability=drawn.probability,
                stage1_exact=exact,
                stage2_probability=take / households,
                stage2_exact=f"{take}/{households}",
                variance_stratum=stratum.code,
                variance_psu=str(unit.opaque_id) if certain else psu.code,
                selection_seed=sha256_of([draw.seed, str(unit.opaque_id)]),
            )
