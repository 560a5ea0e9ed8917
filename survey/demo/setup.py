"""Builds the demo in the order of a real study: regions, people, frame, questionnaire, draw, letters."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from survey.accounts.models import User
from survey.audit.services import COMMAND
from survey.common.clock import now, today
from survey.contacts.services import prepare_letters
from survey.demo import texts
from survey.demo.city import DISTRICTS, Answers, build_model_city, write_household_list
from survey.demo.design import SPEC
from survey.demo.indicators import enter_inspections, publish_demo_indicators
from survey.demo.people import CITY, make_people
from survey.demo.previous import Earlier, build_previous
from survey.demo.superpopulation import City
from survey.demo.truth import true_values
from survey.questionnaires.document import MISSING_CODES
from survey.questionnaires.services import import_xlsform, publish_version
from survey.regions.models import Region
from survey.regions.services import import_census, import_regions
from survey.reports.models import SimulatedTruth
from survey.sampling.models import Case, Draw
from survey.sampling.services import commit_draw, create_design, draw_sample, import_households
from survey.studies.models import Round, Study
from survey.studies.services import (
    create_round,
    create_study,
    open_round,
    pin_round,
    publish_consent_text,
)
from survey.wechat.models import WeChatAccount
from survey.wechat.services import save_account

DATA = Path(__file__).resolve().parent / "data"
CORE_FORM = Path(settings.BASE_DIR) / "survey" / "questionnaires" / "data" / "minyi_core.xlsx"
APP_ID, APP_SECRET = "wxdemo2026minyi01", "not-secret-demo-app-secret-2026"
# The callback's secrets at the simulated WeChat: as little secret as everything else here.
CALLBACK_TOKEN, AES_KEY = "minyidemo2026", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
N_GUESTS = 5
INSPECTION_SEED = 12
DEMO_BEACON = "演示随机数 2026"  # a real study names a lottery's issue or a drand round
REVEAL_AFTER_DAYS = 90
Say = Callable[[str], None]


@dataclass
class Letter:
    """A letter's codes in the clear: they exist only here, as on paper."""

    case: int
    household: int
    path: str
    typed: str


@dataclass
class Built:
    """What the field work of the demo needs."""

    round: Round
    city: City
    answers: Answers
    people: dict[str, User]
    letters: dict[int, Letter]  # by case
    guests: list[Letter]


def guests_file() -> Path:
    """Where the newcomers' letters are kept, so that a second start prints them again."""
    return Path(settings.VAR_DIR) / "demo-letters.json"


def built_round() -> Round | None:
    """The demo's round if its field work was finished."""
    if not guests_file().exists():
        return None
    open_ones = Round.objects.filter(is_simulated=True, state=Round.State.OPEN)
    return open_ones.filter(simulated_truth__isnull=False, runs__isnull=False).first()


def build(say: Say) -> Built:
    """Everything up to the letters. Repeats nothing that is there."""
    say("导入济南市区划（13 个区县、164 个街道、5,758 个社区）和七普边际")
    import_regions(path=DATA / "jinan_regions.csv", acting_user=COMMAND)
    import_census(path=DATA / "census_jinan_2020.csv", acting_user=COMMAND)
    people = make_people()
    lead = people["li"]
    say("造一座模拟城市：槐荫区和天桥区，6 万户、12 万成年人，真值已知")
    city = build_model_city()
    say("导入住户名单，地址逐户加密，名单作为一版定稿")
    list_file = Path(settings.VAR_DIR) / "demo-households.csv"
    write_household_list(city, list_file)
    frame = import_households(
        path=list_file,
        name="模拟住户名单",
        region=Region.objects.get(code=CITY),
        acting_user=lead,
        is_simulated=True,
    )
    say("读入问卷（XLSForm，三种语言），发布；登记指标")
    version = import_xlsform(path=CORE_FORM, acting_user=lead, source_name=CORE_FORM.name)
    version = publish_version(version=version, acting_user=lead)
    indicators = publish_demo_indicators(lead)
    say("建立项目，写好知情同意说明")
    study = make_study(lead)
    consent = publish_consent_text(study=study, texts=texts.CONSENT, acting_user=lead)
    say("上一轮（半年以前）：抽样、收卷、公布证书、出报告")
    build_previous(Earlier(study, frame, version, indicators, consent, people))
    say("建立这一轮")
    round_ = make_round(study, lead)
    pin_round(
        round=round_,
        questionnaire_version=version,
        indicator_versions=indicators,
        consent_text=consent,
        modes=["web", "door"],
        acting_user=lead,
    )
    enter_inspections(round_, lead, seed=INSPECTION_SEED)
    answers = Answers(city, version.document)
    missing = [str(code) for code in MISSING_CODES.values()]
    SimulatedTruth.objects.create(round=round_, values=true_values(answers, indicators, missing))
    say("抽样：先承诺，再抽。街道分层，社区按户数成比例抽，社区内再抽 22 户")
    design = create_design(round=round_, frame=frame, spec=SPEC, acting_user=lead)
    draw = commit_draw(
        design=design,
        beacon_kind=Draw.BeaconKind.DEMO,
        beacon_name=DEMO_BEACON,
        beacon_at=now(),
        reveal_by=today() + timedelta(days=REVEAL_AFTER_DAYS),
        acting_user=lead,
    )
    draw_sample(draw=draw, beacon_value=DEMO_BEACON, acting_user=lead)
    open_round(round=round_, acting_user=lead)
    say("给抽中的每一户印信，一户一页，各有各的码")
    letters, guests = write_letters(round_, lead)
    return Built(round_, city, answers, people, letters, guests)


def make_study(lead: User) -> Study:
    """The study and its WeChat account."""
    city = Region.objects.get(code=CITY)
    study = create_study(
        title=texts.TITLE,
        region=city,
        scope=list(Region.objects.filter(code__in=DISTRICTS)),
        sponsor=texts.SPONSOR,
        purpose=texts.PURPOSE,
        contact_phone=texts.PHONE,
        population=texts.POPULATION,
        form_number=texts.FORM_NUMBER,
        approval_number=texts.APPROVAL_NUMBER,
        approving_body=texts.APPROVING_BODY,
        approval_valid_until=today() + timedelta(days=365),
        acting_user=lead,
    )
    save_account(
        slug="demo",
        name="济南民意（模拟）",
        app_id=APP_ID,
        app_secret=APP_SECRET,
        callback_token=CALLBACK_TOKEN,
        encoding_aes_key=AES_KEY,
        message_mode=WeChatAccount.MessageMode.SECURE,
        studies=[study],
        acting_user=lead,
    )
    return study


def make_round(study: Study, lead: User) -> Round:
    """The round that is in the field now."""
    return create_round(
        study=study,
        name="2026 年下半年",
        acting_user=lead,
        is_simulated=True,
        opens_on=today(),
        closes_on=today() + timedelta(days=60),
        retention_until=today() + timedelta(days=240),
        contact_plan=[
            {"step": "letter", "day": 0},
            {"step": "reminder", "day": 7},
            {"step": "door", "day": 14},
        ],
    )


def write_letters(round_: Round, lead: User) -> tuple[dict[int, Letter], list[Letter]]:
    """Print every letter, and read its codes as its household does. A few stay silent, for newcomers."""
    letters: dict[int, Letter] = {}

    def read(issued: list[tuple[Case, str, str]]) -> None:
        for case, secret, typed in issued:
            household = int(case.frame_unit.household_number)
            letters[case.pk] = Letter(case.pk, household, f"/s/{secret}", typed)

    prepare_letters(round=round_, acting_user=lead, deliver=read)
    guests = [letters.pop(case) for case in sorted(letters)[:N_GUESTS]]
    guests_file().write_text(json.dumps([asdict(g) for g in guests], ensure_ascii=False), encoding="utf-8")
    return letters, guests


def read_guests() -> list[Letter]:
    """The newcomers' letters of an earlier start."""
    return [Letter(**row) for row in json.loads(guests_file().read_text(encoding="utf-8"))]
