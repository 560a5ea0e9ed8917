"""One cast of people and one small district, made through the models so that any layer can use them."""

from survey.accounts.models import Grant, User
from survey.common.canonical import sha256_of
from survey.regions.models import Region
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
