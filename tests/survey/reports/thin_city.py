"""A made city with streets of few answers, items that few are asked, rare modes, coded open answers: whatever
a report has to mask. And every true count behind its report, recounted from the stored answers.
"""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from survey.common.canonical import sha256_of
from survey.common.clock import now
from survey.indicators.models import Indicator, IndicatorVersion
from survey.questionnaires.models import Questionnaire, QuestionnaireVersion
from survey.regions.models import Region
from survey.responses.models import OpenText, Response, TextCoding, Theme
from survey.studies.models import Round, Study
from tests import factories
from tests.survey.reports.attack import Cell

POINTS = factories.POINTS
SERVICES = ("Q01", "Q02", "Q03")
OVERALL = "Q20"
ITEMS = (*SERVICES, OVERALL)
RARE = "Q03"  # a service that few have used
CITY = "370100000000"


def make_city(streets: Sequence[Sequence[float]], *, take: int = 12, floor: int = 8, seed: int = 1) -> Round:
    """An open round of a city; `streets` are the response rates of the streets of each district."""
    for district, rates in enumerate(streets, start=1):
        _district(f"3701{70 + district}", len(rates))
    city = Region.objects.get(code=CITY)
    study = factories.make_study(city)
    round_ = factories.make_drawn_round(
        city,
        study=study,
        take=take,
        households=take,
        state="open",
        questionnaire_version=_version(),
        small_cell_floor=floor,
    )
    for position, (code, kind, definition) in enumerate(_rules()):
        indicator = Indicator.objects.create(code=code, name=code, position=position)
        hashed = sha256_of(definition)
        version = IndicatorVersion.objects.create(
            indicator=indicator, number=1, kind=kind, definition=definition, definition_hash=hashed
        )
        round_.indicator_versions.add(version)
    for path in sorted({c.community.path[:6] for c in round_.cases.select_related("community")}):
        factories.make_margins(Region.objects.get(path=path))
    answer_round(round_, streets, seed)
    return round_


def next_round(first: Round, streets: Sequence[Sequence[float]], *, take: int = 12, seed: int = 2) -> Round:
    """The study's next round in the same city."""
    study: Study = first.study
    round_ = factories.make_drawn_round(
        study.region,
        study=study,
        take=take,
        households=take,
        number=first.number + 1,
        name="2027 年上半年",
        state="open",
        questionnaire_version=first.questionnaire_version,
        small_cell_floor=first.small_cell_floor,
    )
    round_.indicator_versions.set(first.indicator_versions.all())
    answer_round(round_, streets, seed)
    return round_


def _district(path: str, streets: int) -> None:
    """A district of streets with three communities each; made once."""
    if Region.objects.filter(path=path).exists():
        return
    made = {}
    parent = Region.objects.get(code=CITY)
    rows = [(path, "district")]
    for street in range(1, streets + 1):
        rows.append((f"{path}{street:03}", "street"))
        rows += [(f"{path}{street:03}{n:03}", "community") for n in range(1, 4)]
    for own, level in rows:
        above = made.get(own[:9] if level == "community" else own[:6], parent)
        urban = {"urban_rural_code": "111" if own[8:9] < "3" else "220"} if level == "community" else {}
        made[own] = Region.objects.create(
            code=own.ljust(12, "0"), path=own, name=f"{level} {own}", level=level, parent=above, **urban
        )


def _rules() -> list[tuple[str, str, dict[str, Any]]]:
    every = [{"name": name, "points": POINTS} for name in ITEMS]
    return [
        ("score", "mean_score", {"items": [{"name": OVERALL, "points": POINTS}]}),
        ("share", "share", {"items": [{"name": OVERALL}], "top_codes": [5, 4]}),
        ("services", "mean_score", {"items": every, "min_valid": 1}),
        ("rare", "mean_score", {"items": [{"name": RARE, "points": POINTS}]}),
    ]


def _version() -> QuestionnaireVersion:
    base = factories.MEASURED_DOCUMENT
    first = [item for item in base["blocks"][0]["items"] if item["name"] in ("S02", "D01")]
    own = [
        {"name": n, "type": "select_one", "list": "satisfied", "missing": "unsure", "label": {"zh-hans": n}}
        for n in ITEMS
    ]
    document = base | {"blocks": [{"name": "main", "items": [*first, *own]}]}
    questionnaire = Questionnaire.objects.create(code="thin", title="满意度问卷")
    return QuestionnaireVersion.objects.create(
        questionnaire=questionnaire,
        number=1,
        state="published",
        document=document,
        document_hash=sha256_of(document),
    )


def answer_round(round_: Round, streets: Sequence[Sequence[float]], seed: int) -> None:
    """Answers by the streets' rates; in the last street of a district everybody is very satisfied."""
    dice = random.Random(seed)
    rates = {f"3701{71 + d}{s + 1:03}": rate for d, own in enumerate(streets) for s, rate in enumerate(own)}
    last = {f"3701{71 + d}{len(own):03}" for d, own in enumerate(streets)}

    def answer(i: int, case: Any) -> dict[str, Any] | None:
        street = case.community.path[:9]
        if dice.random() >= rates.get(street, 0.0):
            return None
        given: dict[str, Any] = {"S02": dice.randint(18, 84)}
        if dice.random() > 0.05:
            given["D01"] = dice.randint(1, 2)
        for name in ITEMS:
            if name == RARE and dice.random() > 0.4:
                continue
            unsure = dice.random() < 0.1
            given[name] = -1 if unsure else 5 if street in last else dice.choice((1, 2, 3, 3, 4, 4, 5))
        return given

    responses = factories.make_responses(round_, answer)
    for response in responses:
        response.mode = "door" if dice.random() < 0.15 else "web"
    Response.objects.bulk_update(responses, ["mode"])
    _code_texts(round_, responses, dice)


def _code_texts(round_: Round, responses: list[Response], dice: random.Random) -> None:
    """A third of the answers have a coded open answer of one theme or the other."""
    themes = [
        Theme.objects.create(round=round_, item="remark", code=k, label=f"theme {k}") for k in range(1, 3)
    ]
    for number, response in enumerate(responses):
        if dice.random() < 0.65:
            continue
        text = OpenText.objects.create(
            round=round_, response=response, item="remark", place="remark", shuffle=f"{number:06}"
        )
        coding = TextCoding.objects.create(text=text, purpose="main", coded_at=now())
        coding.themes.add(dice.choice(themes))


def true_counts(round_: Round, document: dict[str, Any]) -> dict[Cell, int]:
    """Every count behind a report of this round, by variable and place, from the stored answers."""
    bands = document["weights"]["spec"]["poststratification"]["bands"]
    coded = set(TextCoding.objects.filter(text__round=round_).values_list("text__response_id", flat=True))
    found: Counter[Cell] = Counter()
    for response in Response.objects.counted().filter(round=round_).select_related("region"):
        for place in _places(response, bands):
            for variable in _variables(response, document, response.pk in coded):
                found[variable, place] += 1
    return dict(found)


def _places(response: Response, bands: list[list[int | None]]) -> list[str]:
    path, answers = response.region.path, response.answers
    places = ["all", path[:6].ljust(12, "0"), path[:9].ljust(12, "0")]
    sex = {1: "sex:male", 2: "sex:female"}.get(answers.get("D01"))
    places += [sex] if sex else []
    for number, (low, high) in enumerate(bands):
        if low <= answers["S02"] and (high is None or answers["S02"] <= high):
            places.append(f"age:{number}")
    places.append("area:urban" if response.region.urban_rural_code.startswith("1") else "area:rural")
    return places


def _variables(response: Response, document: dict[str, Any], coded: bool) -> list[tuple[str, ...]]:
    answers = response.answers
    valid = {name for name in ITEMS if str(answers.get(name)) in POINTS}
    found: list[tuple[str, ...]] = [("answers",)]
    found += [("item", name) for name in sorted(valid)]
    found += [("asked", name) for name in ITEMS if name in answers]
    for entry in document["indicators"]:
        if valid & {item["name"] for item in entry["definition"]["items"]}:
            found += [("indicator", entry["code"]), ("mode", entry["code"], response.mode)]
    if valid >= set(ITEMS):
        found.append(("drivers", "services"))
    if coded:
        found.append(("themes", "remark"))
    return found
