"""One cast of people and one small district, made through the models so that any layer can use them."""

import uuid
from datetime import timedelta

from django.db.models import Max

from survey.accounts.models import Grant, User
from survey.audit.services import SYSTEM, Actor
from survey.common.canonical import sha256_of
from survey.common.clock import now, today
from survey.common.crypto import encrypt, keyed_hash
from survey.contacts.models import SelectedPerson
from survey.indicators.models import Indicator, IndicatorVersion
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.regions.models import PopulationMargin, Region
from survey.responses.models import Response
from survey.sampling.frame_trees import community_roots, record_roots
from survey.sampling.lines import FAMILY, commit_line, normalise_address
from survey.sampling.models import (
    Case,
    Design,
    Draw,
    DrawnPSU,
    FrameUnit,
    FrameVersion,
    ReserveReplicate,
)
from survey.sampling.services import commit_draw, create_design, draw_sample
from survey.sampling.tree import ALGORITHM as TREE_ALGORITHM
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
    number = study.consent_texts.count() + 1
    consent = ConsentText.objects.create(study=study, number=number, texts=text, text_hash=sha256_of(text))
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
        "hash_algorithm": TREE_ALGORITHM,
    }
    frame = FrameVersion.objects.create(region=region, **{**defaults, **values})
    units = []
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
    FrameUnit.objects.bulk_create(units, batch_size=500)
    record_roots(frame, list(community_roots(frame)))
    frame.save(update_fields=["frame_hash", "n_communities"])
    return frame


def commit_now(design: Design, *, acting_user: Actor = SYSTEM, reason: str = "", **values) -> Draw:
    """A commitment to the demo's beacon, which may be drawn at once, on a frame called simulated."""
    FrameVersion.objects.filter(pk=design.frame_id).update(is_simulated=True)
    design = Design.objects.get(pk=design.pk)
    defaults = {
        "beacon_kind": Draw.BeaconKind.DEMO,
        "beacon_name": "测试",
        "beacon_at": now(),
        "reveal_by": (design.round.closes_on or today()) + timedelta(days=60),
    }
    return commit_draw(design=design, reason=reason, acting_user=acting_user, **{**defaults, **values})


def draw_now(design: Design, *, acting_user: Actor = SYSTEM, reason: str = "", beacon: str = "演示") -> Draw:
    """A design's sample, committed to and drawn at once."""
    draw = commit_now(design, acting_user=acting_user, reason=reason)
    return draw_sample(draw=draw, beacon_value=beacon, acting_user=acting_user)


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


MEASURED_DOCUMENT = {
    "format": "minyi-questionnaire/1",
    "name": "measured",
    "version": "1",
    "title": {"zh-hans": "满意度问卷"},
    "languages": ["zh-hans"],
    "default_language": "zh-hans",
    "timezone": "Asia/Shanghai",
    "choice_lists": {
        "sex": [{"code": 1, "label": {"zh-hans": "男"}}, {"code": 2, "label": {"zh-hans": "女"}}],
        "satisfied": [
            {"code": code, "label": {"zh-hans": label}}
            for code, label in (
                (5, "非常满意"),
                (4, "比较满意"),
                (3, "一般"),
                (2, "不太满意"),
                (1, "很不满意"),
            )
        ],
        "unsure": [{"code": -1, "label": {"zh-hans": "不了解"}, "missing": "dont_know"}],
    },
    "blocks": [
        {
            "name": "main",
            "items": [
                {"name": "S02", "type": "integer", "label": {"zh-hans": "您的周岁年龄？"}},
                {"name": "D01", "type": "select_one", "list": "sex", "label": {"zh-hans": "性别"}},
                {
                    "name": "Q20",
                    "type": "select_one",
                    "list": "satisfied",
                    "missing": "unsure",
                    "label": {"zh-hans": "总的来说，您满意吗？"},
                },
                {
                    "name": "Q99",
                    "type": "select_one",
                    "list": "satisfied",
                    "missing": "unsure",
                    "label": {"zh-hans": "没有人答的一题"},
                },
            ],
        }
    ],
}
POINTS = {"5": 100, "4": 75, "3": 50, "2": 25, "1": 0}


def make_margins(region: Region, *, adults: int = 1000, population: int = 5000, families: int = 4000) -> None:
    """A census for one district: every five-year cell of both sexes has `adults` persons, and so has 15–19.

    With the defaults 80 % of the people live in family households.
    """
    labels = [f"{low}-{low + 4}" for low in range(15, 85, 5)] + ["85+"]
    rows = [("sex_x_age5", f"{sex}|{label}", adults) for sex in ("male", "female") for label in labels]
    total = adults * len(rows)
    rows += [
        ("population", "total", total),
        ("households", "family_households", total * families // population // 2),
        ("households", "family_household_population", total * families // population),
    ]
    PopulationMargin.objects.bulk_create(
        [
            PopulationMargin(
                region=region,
                source_year=2020,
                variable=variable,
                category=category,
                value=value,
                source="test",
            )
            for variable, category, value in rows
        ]
    )


def make_measured_round(region: Region, **values) -> Round:
    """A drawn round of `region` that can be computed: questionnaire, a score, a share, and margins.

    Keyword arguments go to `make_drawn_round`. Indicators: "score" (mean of Q20), "share" (top two of Q20),
    "empty" (mean of Q99, which nobody answers).
    """
    questionnaire = Questionnaire.objects.create(code="measured", title="满意度问卷")
    version = QuestionnaireVersion.objects.create(
        questionnaire=questionnaire,
        number=1,
        state="published",
        document=MEASURED_DOCUMENT,
        document_hash=sha256_of(MEASURED_DOCUMENT),
    )
    round_ = make_drawn_round(region, questionnaire_version=version, **values)
    rules = [
        ("score", "满意度得分", "mean_score", {"items": [{"name": "Q20", "points": POINTS}]}),
        ("share", "满意率", "share", {"items": [{"name": "Q20"}], "top_codes": [5, 4]}),
        ("empty", "没人答的得分", "mean_score", {"items": [{"name": "Q99", "points": POINTS}]}),
    ]
    for position, (code, name, kind, definition) in enumerate(rules):
        indicator = Indicator.objects.create(code=code, name=name, position=position)
        round_.indicator_versions.add(
            IndicatorVersion.objects.create(
                indicator=indicator,
                number=1,
                kind=kind,
                definition=definition,
                definition_hash=sha256_of(definition),
            )
        )
    for path in sorted({case.community.path[:6] for case in round_.cases.select_related("community")}):
        make_margins(Region.objects.get(path=path))
    return round_


def make_responses(round_: Round, answer, *, n_eligible: int = 2) -> list[Response]:
    """A response for each case for which `answer(i, case)` gives answers; None leaves the case without one.

    `i` counts the cases of the round from 0, by number. The person was one of `n_eligible` adults.
    """
    made = []
    for i, case in enumerate(round_.cases.select_related("community").order_by("number")):
        answers = answer(i, case)
        if answers is None:
            continue
        person = SelectedPerson.objects.create(
            case=case,
            method="uniform",
            n_eligible=n_eligible,
            probability=1 / n_eligible,
            selected_at=now(),
        )
        made.append(
            Response.objects.create(
                client_id=uuid.uuid5(uuid.NAMESPACE_OID, f"response-{case.opaque_id}"),
                content_hash=sha256_of(answers),
                round=round_,
                case=case,
                region=case.community,
                sample_kind="probability",
                mode="web" if i % 2 else "door",
                questionnaire_version=round_.questionnaire_version,
                language="zh-hans",
                answers=answers,
                selected_person=person,
                person_probability=person.probability,
                submitted_at=now(),
                received_at=now(),
            )
        )
    return made
