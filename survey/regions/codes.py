"""统计用区划代码: 12 digits, or 15 with a grid below a community. Pure: no Django, no database.

Digits 1-2 province, 3-4 city, 5-6 county, 7-9 township, 10-12 village (国家统计局《统计用区划代码和城乡
划分代码编制规则》, as quoted on suixincha.cn/areacode); digits 13-15 are the city's own grid numbers.
"""

from dataclasses import dataclass

LEVELS = ("province", "city", "district", "street", "community", "grid")
_ENDS = (2, 4, 6, 9, 12, 15)

# Townships by their three digits; the rule is quoted in the source above.
_TOWNSHIP_KINDS = ((1, 99, "街道"), (100, 199, "镇"), (200, 399, "乡"), (400, 599, "类似乡级单位"))
# Villages by their three digits; checked on all 5,758 rows of Jinan's list.
_VILLAGE_KINDS = (
    (1, 199, "居委会"),
    (200, 399, "村委会"),
    (400, 499, "类似居委会"),
    (500, 599, "类似村委会"),
)

_LEVEL_WORDS = {
    "province": ("province", "省", "省级", "直辖市", "自治区"),
    "city": ("city", "prefecture", "市", "地", "地级", "市级", "地级市"),
    "district": ("district", "county", "区", "县", "区县", "县级", "区级"),
    "street": (
        "street",
        "township",
        "town",
        "街道",
        "街道（镇）",
        "街道(镇)",
        "镇",
        "乡",
        "乡镇",
        "乡级",
        "镇街",
    ),
    "community": ("community", "village", "社区", "村", "社区（村）", "社区(村)", "村级", "居委会", "村委会"),
    "grid": ("grid", "网格"),
}
_LEVEL_OF_WORD = {word: level for level, words in _LEVEL_WORDS.items() for word in words}


class CodeError(ValueError):
    """The text is not a division code. `kind` is "digits", "length" or "hole"."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(kind)


@dataclass(frozen=True)
class DivisionCode:
    """A parsed code. `path` holds the significant digits only, so that a subtree is a prefix."""

    code: str
    level: str
    path: str
    parent_path: str
    kind: str


def parse_code(text: str) -> DivisionCode:
    """Parse a 12-digit division code or a 15-digit grid.

    A county group of zeros is stepped over: cities without counties (东莞 4419, 中山 4420) put their
    townships directly below the city.

    Raises
    ------
    CodeError : other characters than digits, another length, or a gap elsewhere ("370100001000" is fine,
        "370005001000" and a village without a township are not).
    """
    code = text.strip()
    if not (code.isascii() and code.isdigit()):
        raise CodeError("digits")
    if len(code) not in (12, 15):
        raise CodeError("length")
    groups, start = [], 0
    for end in _ENDS:
        if end <= len(code):
            groups.append(code[start:end])
            start = end
    filled = [bool(int(group)) for group in groups]
    if not filled[0]:
        raise CodeError("hole")
    last = max(i for i, has_digits in enumerate(filled) if has_digits)
    if len(code) == 15 and last != 5:
        raise CodeError("length")  # fifteen digits without a grid: not the code of anything
    if any(not filled[i] for i in range(last) if i != 2):
        raise CodeError("hole")
    parent = max((i for i in range(last) if filled[i]), default=None)
    return DivisionCode(
        code=code,
        level=LEVELS[last],
        path=code[: _ENDS[last]],
        parent_path=code[: _ENDS[parent]] if parent is not None else "",
        kind=_kind(last, groups),
    )


def _kind(last: int, groups: list[str]) -> str:
    table = {3: _TOWNSHIP_KINDS, 4: _VILLAGE_KINDS}.get(last, ())
    number = int(groups[last])
    return next((kind for low, high, kind in table if low <= number <= high), "")


def level_of_word(text: str) -> str | None:
    """The level that people mean by "街道", "乡镇", "township" …; None when the word is unknown."""
    return _LEVEL_OF_WORD.get(text.strip().lower())


def path_at(path: str, level: str) -> str:
    """The ancestor's path at `level`: path_at("370105001201", "street") is "370105001"."""
    return path[: _ENDS[LEVELS.index(level)]]
