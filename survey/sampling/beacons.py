"""Public random numbers that nobody knows yet, and the one way in which each is written down. Pure.

A value that could be typed in two ways would give the team a choice of two seeds. So every kind has one
canonical form:

- lottery: one of `LOTTERIES` and its issue number. Balls with two digits, ascending within their group,
  a space between; "+" between the groups: "03 09 14 21 26 32+07". Lotteries of digits keep the order drawn:
  "40915"; 七星彩's seventh number (0 to 14) stands after "+", with two digits.
- drand: a round of a chain of the League of Entropy; its `randomness`, 64 hexadecimal digits in lower case.
- demo: any text; for simulated frames only.

Rules of the lotteries: 中国福利彩票 and 中国体育彩票, rules of play in force in 2026. drand: chain
information at https://api.drand.sh/<chain hash>/info; round r is published at genesis + (r - 1) · period.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

LOTTERY, DRAND, DEMO = "lottery", "drand", "demo"
_ISSUE = re.compile(r"\d{5,9}")
_DRAND_NAME = re.compile(r"^(?:drand)?\s*(quicknet|default)\s*(?:第)?\s*(\d{1,12})\s*(?:轮)?$", re.IGNORECASE)


class Unreadable(Exception):
    """A name or value that is not in the form of its kind. `kind` says what is wrong, `values` fill it in."""

    def __init__(self, kind: str, **values: object) -> None:
        self.kind, self.values = kind, values
        super().__init__(kind)


@dataclass(frozen=True)
class Lottery:
    """One game. `groups`: (how many, lowest, highest) balls; `digits`: numbers 0–9 in the order drawn."""

    groups: tuple[tuple[int, int, int], ...] = ()
    digits: int = 0
    example: str = ""


LOTTERIES: dict[str, Lottery] = {
    "双色球": Lottery(((6, 1, 33), (1, 1, 16)), example="03 09 14 21 26 32+07"),
    "大乐透": Lottery(((5, 1, 35), (2, 1, 12)), example="05 11 19 27 33+04 09"),
    "七乐彩": Lottery(((7, 1, 30), (1, 1, 30)), example="02 08 13 17 22 25 29+11"),
    "快乐8": Lottery(((20, 1, 80),), example="02 05 11 14 19 23 28 31 37 40 44 49 52 58 61 66 70 73 77 80"),
    "七星彩": Lottery(((1, 0, 14),), digits=6, example="409153+12"),
    "排列5": Lottery(digits=5, example="40915"),
    "排列3": Lottery(digits=3, example="409"),
    "3D": Lottery(digits=3, example="409"),
}


@dataclass(frozen=True)
class Chain:
    """A drand chain. Times in seconds."""

    name: str
    chain_hash: str
    genesis: int
    period: int


CHAINS: dict[str, Chain] = {
    "quicknet": Chain(
        "quicknet", "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971", 1692803367, 3
    ),
    "default": Chain(
        "default", "8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce", 1595431050, 30
    ),
}


def normalise_name(kind: str, name: str) -> str:
    """The exact name of a beacon in one form: "双色球 2026136 期", "drand quicknet 第 27946612 轮".

    Raises
    ------
    Unreadable lottery_name, drand_name, no_name
    """
    text = " ".join(unicodedata.normalize("NFKC", name).split())
    if not text:
        raise Unreadable("no_name")
    if kind == LOTTERY:
        game, issue = _game(text), _ISSUE.search(_without_game(text))
        if issue is None:
            raise Unreadable("lottery_name", games="、".join(LOTTERIES))
        return f"{game} {issue.group()} 期"
    if kind == DRAND:
        chain, number = drand_round(text)
        return drand_name(chain, number)
    return text


def normalise_value(kind: str, name: str, value: str) -> str:
    """The beacon's value in its one form. `name` as `normalise_name` gives it.

    Raises
    ------
    Unreadable lottery_value (with an example), drand_value, no_value
    """
    text = " ".join(unicodedata.normalize("NFKC", value).split())
    if not text:
        raise Unreadable("no_value")
    if kind == DRAND:
        if not re.fullmatch(r"[0-9a-f]{64}", text.lower()):
            raise Unreadable("drand_value")
        return text.lower()
    return _lottery_value(_game(name), text) if kind == LOTTERY else text


def drand_name(chain: str, number: int) -> str:
    """ "drand quicknet 第 27946612 轮"."""
    return f"drand {CHAINS[chain].name} 第 {number} 轮"


def drand_round(name: str) -> tuple[str, int]:
    """(chain, round) of a name. Raises Unreadable drand_name."""
    found = _DRAND_NAME.match(name)
    if found is None or int(found.group(2)) < 1:
        raise Unreadable("drand_name")
    return found.group(1).lower(), int(found.group(2))


def drand_time(chain: str, number: int) -> datetime:
    """When a round is published."""
    rule = CHAINS[chain]
    return datetime.fromtimestamp(rule.genesis + (number - 1) * rule.period, UTC)


def drand_round_at(chain: str, moment: datetime) -> int:
    """The first round that is published at `moment` or later."""
    rule = CHAINS[chain]
    seconds = moment.timestamp() - rule.genesis
    return max(1, -int(-seconds // rule.period) + 1)


def public_address(kind: str, name: str) -> str:
    """Where anyone can look the value up; empty when that is not one address."""
    if kind != DRAND:
        return ""
    chain, number = drand_round(name)
    return f"https://api.drand.sh/{CHAINS[chain].chain_hash}/public/{number}"


def _game(text: str) -> str:
    found = [game for game in LOTTERIES if game.lower() in text.lower()]
    if len(found) != 1:
        raise Unreadable("lottery_name", games="、".join(LOTTERIES))
    return found[0]


def _without_game(text: str) -> str:
    return re.sub(re.escape(_game(text)), " ", text, flags=re.IGNORECASE)


def _lottery_value(game: str, text: str) -> str:
    rule, wrong = LOTTERIES[game], Unreadable("lottery_value", game=game, example=LOTTERIES[game].example)
    if not re.fullmatch(r"[\d\s,、;:|+\-]+", text):
        raise wrong
    parts = text.split("+")
    done = []
    if rule.digits:
        digits = re.sub(r"\D", "", parts.pop(0))
        if len(digits) != rule.digits:
            raise wrong
        done.append(digits)
    if len(parts) != len(rule.groups):
        raise wrong
    for part, (count, lowest, highest) in zip(parts, rule.groups, strict=True):
        balls = sorted({int(ball) for ball in re.findall(r"\d+", part)})
        if len(re.findall(r"\d+", part)) != count or len(balls) != count:
            raise wrong
        if balls[0] < lowest or balls[-1] > highest:
            raise wrong
        done.append(" ".join(f"{ball:02d}" for ball in balls))
    return "+".join(done)
