#!/usr/bin/env python3
"""Verifies a Minyi draw: one file, Python 3.8 or newer, nothing to install, made to be read.

    python verify_draw.py CERTIFICATE.json FRAME.csv[.gz]     do the whole draw again and compare
    python verify_draw.py CERTIFICATE.json                    what can be checked without the public frame
    python verify_draw.py --my-line CODE --address ADDRESS CERTIFICATE.json FRAME.csv
    python verify_draw.py --new-secret                        a secret for a party of a draw, and its hash

Options: --language en; --public-key HEX (the office's key, from where it is published); --commitment HEX
(the commitment hash that you noted or had stamped before the draw). Exit: 0 yes; 1 no, something differs; 2
cannot say (not everything could be checked, or a file cannot be read).

This is a second implementation, written from docs/verifiable-draw.md and sharing no code with the program
that draws. The algorithms: "minyi-commitment-2", "minyi-frame-2", "minyi-stream-1", "two-stage-pps-1",
"minyi-certificate-1"; signatures are Ed25519 (RFC 8032), time stamps RFC 3161.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import json
import re
import secrets
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

FORMATS = {
    "certificate": "minyi-certificate-1",
    "commitment": "minyi-commitment-2",
    "draw": "two-stage-pps-1",
    "stream": "minyi-stream-1",
    "frame": "minyi-frame-2",
}
HEADER = "community_code,opaque_id,kind,commitment"
LISTED = 20  # of each kind of difference; the others are counted
PARTS = {
    "committed": [
        "format",
        "stage",
        "commitment",
        "commitment_hash",
        "spec",
        "plan",
        "psus",
        "frame",
        "timestamps",
        "commits",
    ],
    "drawn": ["beacon", "result_hash"],
    "revealed": ["secrets", "seed", "result", "replicates"],
}
CHAINS = {  # drand: chain → (hash, first second, seconds between rounds)
    "quicknet": ("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971", 1692803367, 3),
    "default": ("8990e7a9aaed2ffed73dbd7092123d6f289930540d7651336225dc172e51b2ce", 1595431050, 30),
}
BROKEN = (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)

# --- words ------------------------------------------------------------------------------------------

DIFFERS, UNCHECKED, REMARK, CHECKED = "differs", "unchecked", "remark", "checked"
MARKS = {DIFFERS: "✗", UNCHECKED: "?", REMARK: "!", CHECKED: "✓"}
WORDS = {
    "unreadable": ("缺少这一项，或格式不对", "missing, or not in the right form"),
    "other": ("应为 {expected}，实为 {found}", "should be {expected}, is {found}"),
    "missing": ("缺这一行，应为 {expected}", "this row is missing; it should be {expected}"),
    "extra": ("多出这一行：{found}", "this row should not be here: {found}"),
    "order": ("次序不对，或重复", "out of order, or twice"),
    "more": ("还有 {n} 处，没有列出", "{n} more are not listed"),
    "part": ("和签名时不一样", "is not what was signed"),
    "signature": ("签名和内容不符：签名以后改过", "does not fit: altered after it was signed"),
    "key": ("签名的公钥不是承诺里写的那一把", "signed with another key than the commitment names"),
    "office_key": ("公钥和主办方公布的不同：{expected}", "not the key that the office published: {expected}"),
    "noted": ("承诺的指纹和您记下的不同", "not the commitment hash that you noted"),
    "not_listed": ("这一轮的第 {n} 次承诺没有列出", "commitment {n} of the round is not listed"),
    "after_beacon": ("承诺做出时公开随机数已经揭晓", "committed to when the beacon was known already"),
    "before_beacon": ("抽取早于公开随机数揭晓", "drawn before the beacon was known"),
    "stamp": ("时间戳盖的不是这份承诺，或时间不符", "does not stamp this commitment, or at another time"),
    "line": ("第 {n} 行：{text}", "line {n}: {text}"),
    "line_form": ("第 {n} 行的格式不对", "line {n} is not in the right form"),
    "line_order": ("第 {n} 行次序不对，或重复", "line {n} is out of order, or twice"),
    "line_place": (
        "第 {n} 行的社区 {place} 不在证书里",
        "line {n}: community {place} is not in the certificate",
    ),
    "counts": (
        "名录第 {first}–{last} 行：家庭户 {family}、集体户 {collective}，证书写的是 {stated}",
        "frame lines {first}–{last}: {family} family and {collective} collective households; stated: {stated}",
    ),
    "root": (
        "名录第 {first}–{last} 行和证书里的根不符：有一户被改、删、换或添",
        "frame lines {first}–{last} do not give the root: a household was changed, dropped, swapped or added",
    ),
    "absent": ("公开名录里没有这个社区", "this community is not in the public frame"),
    "psu_size": (
        "按名录应有 {expected} 户，计划写 {found} 户",
        "{expected} households by the frame, {found} in the plan",
    ),
    "not_in_frame": (
        "抽中的这一户不在公开名录里：{found}",
        "this drawn household is not in the frame: {found}",
    ),
    "stated_seed": (
        "结果是用证书写的种子抽的，而这个种子不是由秘密、随机数和承诺算出来的",
        "the result follows from the stated seed, which does not follow from secrets, beacon and commitment",
    ),
    "ok_hashes": ("设计、计划、名录和承诺的指纹一致", "hashes of design, plan, frame and commitment agree"),
    "ok_signature": ("签名有效。公钥 {key}", "the signature is valid. Public key {key}"),
    "ok_seed": ("种子由秘密、随机数和承诺算出", "the seed follows from secrets, beacon and commitment"),
    "ok_psus": ("重抽得到同样的 {n} 个社区单位", "drawn again: the same {n} PSUs"),
    "ok_households": ("重抽得到同样的 {n} 户", "drawn again: the same {n} households"),
    "ok_frame": ("公开名录 {n} 户，逐户核过", "all {n} households of the public frame were checked"),
    "not_yet": (
        "还没有公布秘密和结果，现在不能重抽；应在 {day} 前公布，逾期算作废",
        "secrets and result are not revealed yet, so the draw cannot be redone; due by {day}, void afterwards",
    ),
    "no_frame": (
        "没有给公开名录，住户没有重抽",
        "no public frame was given: households were not drawn again",
    ),
    "skipped": ("名录被改，{n} 个社区单位没有重抽", "the frame was altered: {n} PSUs were not drawn again"),
    "see_key": (
        "请和主办方公布的公钥比对，或用 --public-key",
        "compare the public key with the office's, or use --public-key",
    ),
    "see_commitment": (
        "承诺的指纹是 {hash}；请和抽样以前公布的比对，或用 --commitment",
        "the commitment hash is {hash}; compare it with what was published before, or use --commitment",
    ),
    "see_beacon": (
        "请到公开来源核对：{name}，{at} 揭晓，号码 {value} {source}",
        "compare with the public source: {name}, known at {at}, value {value} {source}",
    ),
    "see_stamp": (
        "{authority} 证明承诺在 {at} 已经存在；其签名请用 openssl ts -verify 核对 {address}{note}",
        "{authority} says that the commitment existed at {at}; check the signature with openssl ts -verify "
        "{address}{note}",
    ),
    "no_stamp": (
        "没有第三方证明承诺早于随机数揭晓，只有主办方自己的话",
        "no third party says that the commitment is older than the beacon: only the office's word",
    ),
    "demo": ("演示用的随机源，不能证明什么", "a demonstration's beacon: it proves nothing"),
    "one_party": (
        "秘密只有主办方一方：主办方的人在公布以前能算出抽中的门牌",
        "the office is the only party: its staff could compute the doors before they were revealed",
    ),
    "late_void": (
        "第 {n} 次承诺在随机数揭晓以后才作废，理由：{reason}",
        "commitment {n} was given up when its beacon was known; reason: {reason}",
    ),
    "lapsed": ("第 {n} 次承诺到期没有公布，算作废", "commitment {n} was not revealed in time and is void"),
    "other_commit": (
        "这一轮还有第 {n} 次承诺（{state}），理由：{reason}",
        "the round also has commitment {n} ({state}); reason: {reason}",
    ),
    "void": ("这一次抽样已作废：{reason}", "this draw is void: {reason}"),
    "late": ("公布日期 {at} 晚于承诺的 {day}", "revealed at {at}, later than promised: {day}"),
    "outside": (
        "名录里有 {n} 个社区不在抽样范围内（排除的或调查范围以外的）",
        "{n} communities of the frame are outside the population (excluded, or not in the study's region)",
    ),
    "coverage": ("名录里没有的住户，这里查不出来", "households that the frame lacks cannot be seen here"),
}


class Finding(NamedTuple):
    """One thing found. `where`: the part of the certificate or frame, the same in all languages."""

    level: str
    where: str
    code: str
    values: dict[str, Any]

    def text(self, language: str = "zh") -> str:
        """The finding in words: "zh" or "en"."""
        words = WORDS[self.code][1 if language == "en" else 0]
        return words.format(**{name: shown(value) for name, value in self.values.items()})


class Verdict(NamedTuple):
    """`ok`: nothing differs. `complete`: and the whole draw was done again, so the answer is a plain yes."""

    ok: bool
    complete: bool
    findings: list[Finding]


def shown(value: Any) -> str:
    """A value as a person reads it, cut when it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 200 else text[:197] + "..."


class Report:
    """Collects findings; of each kind of difference only the first few by name."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.counts: dict[str, int] = {}

    def say(self, level: str, where: str, code: str, group: str = "", **values: Any) -> None:
        """Add a finding; `group` limits how many of its kind are listed."""
        if group:
            self.counts[group] = self.counts.get(group, 0) + 1
            if self.counts[group] > LISTED:
                return
        self.findings.append(Finding(level, where, code, values))

    def differs(self, where: str, code: str, group: str = "", **values: Any) -> None:
        """Add a difference."""
        self.say(DIFFERS, where, code, group, **values)

    def same(self, where: str, expected: Any, found: Any, group: str = "") -> bool:
        """Compare, and add a difference when they are not the same, type included."""
        if canonical(expected) == canonical(found):
            return True
        self.differs(where, "other", group, expected=expected, found=found)
        return False

    def guarded(self, where: str, check: Callable[..., Any], *args: Any) -> Any:
        """Run a check; what it cannot read is a difference at `where`, never a crash."""
        try:
            return check(self, *args)
        except BROKEN:
            self.differs(where, "unreadable")
            return None

    def verdict(self, complete: bool) -> Verdict:
        """What was found, with the number of differences that were not listed."""
        for group, count in self.counts.items():
            if count > LISTED:
                self.differs(group, "more", n=count - LISTED)
        ok = all(finding.level != DIFFERS for finding in self.findings)
        return Verdict(ok, ok and complete, self.findings)


# --- hashes, canonical JSON, trees --------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """Canonical JSON: UTF-8, keys sorted, no spaces."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def sha(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def hash_of(value: Any) -> str:
    """Hex SHA-256 of the canonical JSON."""
    return sha(canonical(value)).hex()


def tree_root(leaves: list[bytes], start: int = 0, stop: int | None = None) -> bytes:
    """Root over leaves[start:stop]: split after the largest power of two below the number of leaves."""
    stop = len(leaves) if stop is None else stop
    if stop - start == 1:
        return leaves[start]
    half = start + (1 << ((stop - start - 1).bit_length() - 1))
    return sha(b"\x01" + tree_root(leaves, start, half) + tree_root(leaves, half, stop))


def leaf(*columns: str) -> bytes:
    """Leaf of a line: SHA-256 of 0x00 and the columns with tabs between."""
    return sha(b"\x00" + "\t".join(columns).encode("utf-8"))


def frame_root(communities: list[dict[str, Any]]) -> str:
    """Hex root over the communities' records, as they stand."""
    records = [
        leaf(row["code"], f"{row['n_family']:d}", f"{row['n_collective']:d}", row["root"])
        for row in communities
    ]
    return tree_root(records).hex()


# --- Ed25519 (RFC 8032, section 5.1.7) ----------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add_points(a: tuple, b: tuple) -> tuple:
    """Sum of two points."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number: int, point: tuple) -> tuple:
    """A multiple of a point."""
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add_points(result, point)
        point = add_points(point, point)
        number >>= 1
    return result


def read_point(data: bytes) -> tuple:
    """A point from its 32 bytes. Raises ValueError when there is none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if len(data) != 32 or y >= P:
        raise ValueError("not a point")
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        raise ValueError("not a point")
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def write_point(point: tuple) -> bytes:
    """The 32 bytes of a point."""
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = read_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_valid(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature of a message is that of a key."""
    try:
        key = read_point(public_key)
    except ValueError:
        return False
    number = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or number >= ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    k = int.from_bytes(digest, "little") % ORDER
    minus_key = (P - key[0], key[1], key[2], P - key[3])
    return write_point(add_points(times(number, BASE), times(k, minus_key))) == signature[:32]


# --- the draw -----------------------------------------------------------------------------------------


class Stream:
    """ "minyi-stream-1": bytes from SHA-256 of key and counter; integers by rejection."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.bytes = self._bytes()

    def _bytes(self) -> Iterator[int]:
        counter = 0
        while True:
            yield from sha(self.key + counter.to_bytes(8, "big"))
            counter += 1

    def child(self, label: str) -> Stream:
        """The stream of a label."""
        return Stream(sha(b"minyi-stream-1\x00" + self.key + label.encode("utf-8")))

    def below(self, n: int) -> int:
        """A uniform integer below n."""
        if n < 1:
            raise ValueError("there is no integer below 1")
        bits = (n - 1).bit_length()
        value = n
        while value >= n:
            value = 0
            for _byte in range((bits + 7) // 8):
                value = value << 8 | next(self.bytes)
            value &= (1 << bits) - 1
        return value

    def mix(self, items: list[Any], steps: int) -> None:
        """The first steps of a shuffle, in place; the last item of a list has nothing to be swapped with."""
        for i in range(min(steps, len(items) - 1)):
            j = i + self.below(len(items) - i)
            items[i], items[j] = items[j], items[i]


def fraction_text(value: Fraction) -> str:
    """Numerator and denominator in lowest terms."""
    return f"{value.numerator}/{value.denominator}"


def draw_psus(seed: bytes, spec: dict[str, Any], plan: dict[str, Any]) -> list[list[Any]]:
    """Stage 1: [code, stratum, certainty, chance] of each PSU taken, stratum after stratum."""
    taken: list[list[Any]] = []
    for stratum in sorted(plan["strata"], key=lambda row: row["code"]):
        sizes, n = sorted((code, size) for code, size in stratum["psus"] if size > 0), stratum["n_take"]
        if stratum["kind"] == "certainty":
            if len(sizes) != 1:
                raise ValueError("a certainty stratum is one PSU")
            taken.append([sizes[0][0], stratum["code"], True, "1/1"])
            continue
        stream, total = Stream(seed).child("stage1/" + stratum["code"]), sum(size for _code, size in sizes)
        if any(size * n >= total for _code, size in sizes):
            raise ValueError("a PSU reaches the sampling interval")
        if spec["stages"][0]["order"] == "random":
            stream.mix(sizes, len(sizes))
        start, reached = stream.below(total), 0
        for code, size in sizes:
            before, reached = reached, reached + n * size
            # The unit's stretch of the line [before, reached) holds one of start, start + total, ...
            point = start + -((start - before) // total) * total if before > start else start
            if before <= point < reached:
                taken.append([code, stratum["code"], False, fraction_text(Fraction(n * size, total))])
    return taken


def draw_households(seed: bytes, spec: dict[str, Any], psu: str, households: list[str]) -> list[list[Any]]:
    """Stage 2 in one PSU: [household, PSU, replicate, chance], before they are numbered."""
    take, extra = spec["stages"][1]["take"], spec["reserve_take"]
    replicates = spec["reserve_replicates"]
    ordered, total = sorted(households), take + extra * replicates
    if total > len(ordered):
        raise ValueError("not enough households")
    Stream(seed).child("stage2/" + psu).mix(ordered, total)
    rows = []
    for place in range(total):
        replicate = 0 if place < take else (place - take) // extra + 1
        chance = Fraction(take + extra * replicate, len(ordered))
        rows.append([ordered[place], psu, replicate, fraction_text(chance)])
    return rows


def number_households(seed: bytes, rows: list[list[Any]]) -> list[list[Any]]:
    """[number, household, PSU, replicate, chance], by number."""
    order = sorted(row[0] for row in rows)
    Stream(seed).child("numbers").mix(order, len(order))
    numbers = {household: place for place, household in enumerate(order, 1)}
    return sorted([numbers[row[0]], *row] for row in rows)


class Redraw:
    """The draw that one seed gives, made while the frame passes by: no more than a PSU's ids are held."""

    def __init__(self, seed: bytes, certificate: dict[str, Any]) -> None:
        self.seed, self.spec, plan = seed, certificate["spec"], certificate["plan"]
        self.psus = draw_psus(seed, self.spec, plan)
        groups = psu_communities(plan)
        self.psu_of = {community: row[0] for row in self.psus for community in groups[row[0]]}
        self.waiting = {row[0]: set(groups[row[0]]) for row in self.psus}
        self.ids: dict[str, list[str]] = {}
        self.rows: list[list[Any]] = []
        self.skipped: list[str] = []  # PSUs whose lines of the frame were altered

    def pass_community(self, code: str, ids: list[str], intact: bool) -> None:
        """Take the family households of one community; draw when those of its PSU are complete."""
        psu = self.psu_of.get(code)
        if psu is None or code not in self.waiting[psu]:
            return
        self.waiting[psu].remove(code)
        if not intact and psu not in self.skipped:
            self.skipped.append(psu)
        self.ids.setdefault(psu, []).extend(ids)
        if not self.waiting[psu]:
            households = self.ids.pop(psu)
            if psu not in self.skipped:
                self.rows += draw_households(self.seed, self.spec, psu, households)

    def finish(self) -> None:
        """PSUs whose communities did not all come were not drawn."""
        self.skipped += [psu for psu, left in self.waiting.items() if left and psu not in self.skipped]

    def result(self) -> dict[str, Any]:
        """PSUs and households as a certificate writes them."""
        return {"psus": self.psus, "households": number_households(self.seed, self.rows)}


def psu_communities(plan: dict[str, Any]) -> dict[str, list[str]]:
    """PSU → codes of its communities: one, or several that were joined and are listed."""
    joined = {group[0]: group for group in plan["joined_psus"]}
    codes = [code for stratum in plan["strata"] for code, _size in stratum["psus"]]
    if len(set(codes)) != len(codes):
        raise ValueError("a PSU is in two strata")
    return {code: joined.get(code, [code]) for code in codes}


# --- checks of the certificate ------------------------------------------------------------------------


def verify(
    certificate: Any,
    frame_lines: Iterable[str] | None = None,
    public_key: str = "",
    commitment_hash: str = "",
) -> Verdict:
    """Check a certificate and, with the lines of the public frame, do its draw again.

    `public_key`, `commitment_hash`: what the office published, or what you noted, to compare with.
    """
    report = Report()
    if not isinstance(certificate, dict):
        report.differs("certificate", "unreadable")
        return report.verdict(False)
    report.guarded("fingerprints", check_parts, certificate)
    report.guarded("signature", check_signature, certificate, public_key)
    report.guarded("commitment", check_commitment, certificate, commitment_hash)
    report.guarded("psus", check_psus, certificate)
    report.guarded("frame", check_frame_sizes, certificate)
    report.guarded("commits", check_commits, certificate)
    report.guarded("timestamps", check_timestamps, certificate)
    report.guarded("beacon", check_beacon, certificate)
    redraws: list[Redraw] = []
    if certificate.get("stage") == "revealed":
        redraws = report.guarded("seed", check_seed, certificate) or []
    else:
        day = certificate.get("commitment", {}).get("reveal_by", "")
        report.say(UNCHECKED, "result", "not_yet", day=day)
    read = False
    if frame_lines is None:
        report.say(UNCHECKED, "frame", "no_frame")
    else:
        read = report.guarded("frame", check_frame, certificate, frame_lines, redraws) is True
    done = bool(redraws) and report.guarded("result", check_result, certificate, redraws, read) is True
    report.say(REMARK, "frame", "coverage")
    return report.verdict(done)


def check_parts(report: Report, certificate: dict[str, Any]) -> None:
    """Every part that the stage has is there, and is what its fingerprint says."""
    stages = ["committed", "drawn", "revealed"]
    report.same("format", FORMATS["certificate"], certificate.get("format"))
    stage = certificate.get("stage")
    if stage not in stages:
        report.differs("stage", "other", expected=" / ".join(stages), found=stage)
        stage = "committed"
    needed = [part for name in stages[: stages.index(stage) + 1] for part in PARTS[name]]
    for part in [*needed, "fingerprints", "signature"]:
        if part not in certificate:
            report.differs(part, "unreadable")
    found: dict[str, str] = {}
    for name, value in certificate.items():
        if name in ("fingerprints", "signature"):
            continue
        if isinstance(value, dict):
            found.update({name + "." + key: hash_of(part) for key, part in value.items()})
        else:
            found[name] = hash_of(value)
    stated = certificate.get("fingerprints", {})
    for name in sorted(found.keys() | stated.keys()):
        if found.get(name) != stated.get(name):
            report.differs(name, "part")


def check_signature(report: Report, certificate: dict[str, Any], office_key: str) -> None:
    """The signature fits, and its key is the one that the commitment names and that the office published."""
    signature = certificate["signature"]
    report.same("signature.algorithm", "Ed25519", signature["algorithm"])
    key = signature["public_key"]
    named = certificate.get("commitment", {}).get("public_key")
    if named != key:
        report.differs("signature.public_key", "key")
    if office_key and office_key.replace(" ", "").lower() != key:
        report.differs("signature.public_key", "office_key", expected=office_key)
    body = canonical({name: value for name, value in certificate.items() if name != "signature"})
    if not ed25519_valid(bytes.fromhex(key), body, bytes.fromhex(signature["value"])):
        report.differs("signature", "signature")
        return
    report.say(CHECKED, "signature", "ok_signature", key=key)
    if not office_key:
        report.say(REMARK, "signature.public_key", "see_key")


def check_commitment(report: Report, certificate: dict[str, Any], noted: str) -> None:
    """Design, plan, frame and algorithms are those that were committed to."""
    commitment, before = certificate["commitment"], len(report.findings)
    report.same("commitment.format", FORMATS["commitment"], commitment["format"])
    for name in ("draw", "stream", "frame"):
        report.same("commitment.algorithms." + name, FORMATS[name], commitment["algorithms"][name])
    report.same("commitment_hash", hash_of(commitment), certificate["commitment_hash"])
    report.same("spec", commitment["design_hash"], hash_of(certificate["spec"]))
    report.same("plan", commitment["plan_hash"], hash_of(certificate["plan"]))
    report.same("frame.hash", commitment["frame_hash"], certificate["frame"]["hash"])
    codes = [row["code"] for row in certificate["frame"]["communities"]]
    if codes != sorted(set(codes)):
        report.differs("frame.communities", "order")
    report.same(
        "frame.communities", commitment["frame_hash"], frame_root(certificate["frame"]["communities"])
    )
    if len(report.findings) == before:
        report.say(CHECKED, "commitment", "ok_hashes")
    if not noted:
        report.say(REMARK, "commitment_hash", "see_commitment", hash=certificate["commitment_hash"])
    elif noted.replace(" ", "").lower() != hash_of(commitment):
        report.differs("commitment_hash", "noted")


def check_psus(report: Report, certificate: dict[str, Any]) -> None:
    """The list of PSUs is that of the plan."""
    planned = psu_communities(certificate["plan"])
    listed = {row["code"]: sorted(row["communities"]) for row in certificate["psus"]}
    if len(listed) != len(certificate["psus"]):
        report.differs("psus", "order")
    compare(report, "psus", {code: sorted(group) for code, group in planned.items()}, listed)


def check_frame_sizes(report: Report, certificate: dict[str, Any]) -> None:
    """Sizes of PSUs are the family households of their communities; no community is in two PSUs."""
    family = {row["code"]: row["n_family"] for row in certificate["frame"]["communities"]}
    groups, seen = psu_communities(certificate["plan"]), set()
    for stratum in certificate["plan"]["strata"]:
        for code, size in stratum["psus"]:
            expected = sum(family.get(community, 0) for community in groups[code])
            if expected != size or seen & set(groups[code]):
                where = "plan.strata[{}].psus[{}]".format(stratum["code"], code)
                report.differs(where, "psu_size", "plan.strata", expected=expected, found=size)
            seen |= set(groups[code])
    outside = sum(1 for code, n in family.items() if n and code not in seen)
    if outside:
        report.say(REMARK, "plan", "outside", n=outside)


def check_commits(report: Report, certificate: dict[str, Any]) -> None:
    """All commitments of the round are listed, this one as it is; what was given up late is pointed out."""
    commitment, rows = certificate["commitment"], certificate["commits"]
    own_number = commitment["draw_number"]
    numbers = [row["number"] for row in rows]
    most = max([own_number, *numbers])
    for number in [*range(1, min(most, len(rows) + LISTED)), most]:
        if numbers.count(number) != 1:
            report.differs(f"commits[{number}]", "not_listed", n=number)
    if numbers != sorted(numbers):
        report.differs("commits", "order")
    for row in rows:
        where, number = f"commits[{row['number']}]", row["number"]
        if number == own_number:
            check_own_commit(report, certificate, row, where)
        elif row["state"] == "void" and row["voided_at"] >= row["beacon_at"]:
            report.say(REMARK, where, "late_void", n=number, reason=row["void_reason"])
        elif row["state"] == "lapsed":
            report.say(REMARK, where, "lapsed", n=number)
        else:
            reason = row["void_reason"] or row["reason"]
            report.say(REMARK, where, "other_commit", n=number, state=row["state"], reason=reason)


def check_own_commit(report: Report, certificate: dict[str, Any], row: dict[str, Any], where: str) -> None:
    """This draw's own row: the hash, and the order of commitment, beacon, draw and reveal."""
    commitment = certificate["commitment"]
    beacon = commitment["beacon"]
    report.same(where, certificate["commitment_hash"], row["commitment_hash"])
    report.same(where + ".beacon_at", beacon["not_before"], row["beacon_at"])
    if row["committed_at"] >= beacon["not_before"] and beacon["kind"] != "demo":
        report.differs(where + ".committed_at", "after_beacon")
    if row["drawn_at"] and row["drawn_at"] < beacon["not_before"]:
        report.differs(where + ".drawn_at", "before_beacon")
    states = {"committed": ["committed", "lapsed", "void"], "drawn": ["drawn", "lapsed", "void"]}
    if row["state"] not in states.get(certificate["stage"], ["revealed"]):
        report.differs(where + ".state", "other", expected=certificate["stage"], found=row["state"])
    if row["state"] == "void":
        report.say(REMARK, where, "void", reason=row["void_reason"])
    elif row["state"] == "lapsed":
        report.say(REMARK, where, "lapsed", n=row["number"])
    if row["revealed_at"][:10] > commitment["reveal_by"]:
        report.say(REMARK, where, "late", at=row["revealed_at"], day=commitment["reveal_by"])


def check_timestamps(report: Report, certificate: dict[str, Any]) -> None:
    """Tokens stamp this commitment at the time that is stated; whether any is older than the beacon."""
    known = certificate["commitment"]["beacon"]["not_before"]
    early = False
    for place, stamp in enumerate(certificate["timestamps"], 1):
        where = f"timestamps[{place}]"
        if stamp["kind"] == "rfc3161":
            imprint, moment = read_token(base64.b64decode(stamp["token"], validate=True))
            if (imprint, moment) != (certificate["commitment_hash"], stamp["stamped_at"]):
                report.differs(where, "stamp")
        early = early or stamp["stamped_at"] < known
        report.say(
            REMARK,
            where,
            "see_stamp",
            authority=stamp["authority"],
            at=stamp["stamped_at"],
            address=stamp["address"],
            note=stamp["note"],
        )
    if not early:
        report.say(REMARK, "timestamps", "no_stamp")


def der_items(data: bytes) -> list[tuple[int, bytes]]:
    """(tag, content) of the DER values that stand one after another."""
    items, place = [], 0
    while place < len(data):
        tag, length, place = data[place], data[place + 1], place + 2
        if length & 0x80:
            size = length & 0x7F
            length, place = int.from_bytes(data[place : place + size], "big"), place + size
        if place + length > len(data):
            raise ValueError("cut short")
        items.append((tag, data[place : place + length]))
        place += length
    return items


def read_token(response: bytes) -> tuple[str, str]:
    """(hex imprint, time) of an RFC 3161 response: TimeStampResp, SignedData, TSTInfo."""
    content = der_items(der_items(response)[0][1])[1][1]  # the token, after the status
    signed = der_items(der_items(der_items(content)[1][1])[0][1])
    info = der_items(der_items(der_items(der_items(signed[2][1])[1][1])[0][1])[0][1])
    imprint = der_items(info[2][1])[1][1]
    moment = next(value for tag, value in info if tag == 0x18).decode("ascii")
    date, clock = moment[:8], moment[8:14]
    text = f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:6]}Z"
    return imprint.hex(), text


def check_beacon(report: Report, certificate: dict[str, Any]) -> None:
    """Where to look the beacon up; for drand, that the round is published when the commitment says."""
    named = certificate["commitment"]["beacon"]
    source = certificate.get("beacon", {}).get("source", "")
    if named["kind"] == "drand":
        chain, number = re.match(r"drand (\w+) 第 (\d+) 轮$", named["name"]).groups()
        chain_hash, genesis, period = CHAINS[chain]
        moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(genesis + (int(number) - 1) * period))
        report.same("commitment.beacon.not_before", moment, named["not_before"])
        expected = f"https://api.drand.sh/{chain_hash}/public/{number}"
        if "beacon" in certificate:
            report.same("beacon.source", expected, source)
    if named["kind"] == "demo":
        report.say(REMARK, "beacon", "demo")
    elif "beacon" in certificate:
        value, name = certificate["beacon"]["value"], named["name"]
        report.say(
            REMARK, "beacon", "see_beacon", name=name, at=named["not_before"], value=value, source=source
        )
    if len(certificate["commitment"]["parties"]) == 1:
        report.say(REMARK, "commitment.parties", "one_party")


def check_seed(report: Report, certificate: dict[str, Any]) -> list[Redraw]:
    """Secrets fit their hashes, and the seed follows. Returns the draw to make of each seed in question."""
    commitment, opened = certificate["commitment"], certificate["secrets"]
    parties = commitment["parties"]
    if len(opened) != len(parties):
        report.differs("secrets", "other", expected=len(parties), found=len(opened))
    for place, (party, secret) in enumerate(zip(parties, opened), 1):
        if sha(bytes.fromhex(secret)).hex() != party["secret_hash"]:
            report.differs(f"secrets[{place}]", "other", expected=party["secret_hash"], found=secret)
    parts = b"".join(bytes.fromhex(secret) for secret in opened)
    value = certificate["beacon"]["value"].encode("utf-8")
    seed = sha(parts + value + bytes.fromhex(certificate["commitment_hash"]))
    seeds = [seed]
    if report.same("seed", seed.hex(), certificate["seed"]):
        report.say(CHECKED, "seed", "ok_seed")
    else:
        try:
            stated = bytes.fromhex(certificate["seed"])
        except (TypeError, ValueError):
            stated = b""
        seeds += [stated] if len(stated) == 32 else []
    return [Redraw(one, certificate) for one in seeds]


# --- the frame and the result -------------------------------------------------------------------------

LINE = re.compile(
    r"(\d{12}),([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}),(family|collective),([0-9a-f]{64})"
)


class Community:
    """The lines of one community while they pass by."""

    def __init__(self, code: str, first: int) -> None:
        self.code, self.first, self.last = code, first, first
        self.leaves: list[bytes] = []
        self.ids: list[str] = []  # of family households
        self.previous = ""

    def add(self, number: int, opaque_id: str, kind: str, commitment: str) -> bool:
        """Add a line; False when it is not in the order of the ids."""
        in_order, self.previous, self.last = opaque_id > self.previous, opaque_id, number
        self.leaves.append(leaf(opaque_id, self.code, kind, commitment))
        if kind == "family":
            self.ids.append(opaque_id)
        return in_order

    def close(self, report: Report, stated: dict[str, Any]) -> bool:
        """Compare counts and root with the certificate."""
        family, where = len(self.ids), f"frame.communities[{self.code}]"
        collective = len(self.leaves) - family
        lines = {"first": self.first, "last": self.last}
        if (family, collective) != (stated["n_family"], stated["n_collective"]):
            numbers = "{} / {}".format(stated["n_family"], stated["n_collective"])
            report.differs(
                where, "counts", "frame", family=family, collective=collective, stated=numbers, **lines
            )
            return False
        if tree_root(self.leaves).hex() != stated["root"]:
            report.differs(where, "root", "frame", **lines)
            return False
        return True


def check_frame(
    report: Report, certificate: dict[str, Any], lines: Iterable[str], redraws: list[Redraw]
) -> bool:
    """Every line of the public frame against the roots; the households drawn are drawn again on the way.

    Returns whether all was read and nothing differed.
    """
    stated = {row["code"]: row for row in certificate["frame"]["communities"]}
    before = [finding.level for finding in report.findings].count(DIFFERS)
    here: Community | None = None
    done: dict[str, bool] = {}
    n_lines = 0
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if number == 1:
            report.same("frame:1", HEADER, text.lstrip("\ufeff"))
            continue
        found = LINE.fullmatch(text)
        if found is None:
            report.differs(f"frame:{number}", "line_form", "frame lines", n=number)
            continue
        code, opaque_id, kind, commitment = found.groups()
        if code not in stated:
            report.differs(f"frame:{number}", "line_place", "frame lines", n=number, place=code)
            continue
        if here is None or here.code != code:
            ahead = here is None or here.code < code
            close_community(report, here, stated, redraws, done)
            here = Community(code, number)
            if not ahead or code in done:
                report.differs(f"frame:{number}", "line_order", "frame lines", n=number)
        if not here.add(number, opaque_id, kind, commitment):
            report.differs(f"frame:{number}", "line_order", "frame lines", n=number)
        n_lines += 1
    close_community(report, here, stated, redraws, done)
    for code in sorted(stated.keys() - done.keys()):
        report.differs(f"frame.communities[{code}]", "absent", "frame")
    for redraw in redraws:
        redraw.finish()
    if [finding.level for finding in report.findings].count(DIFFERS) > before:
        return False
    report.say(CHECKED, "frame", "ok_frame", n=n_lines)
    return True


def close_community(
    report: Report,
    here: Community | None,
    stated: dict[str, Any],
    redraws: list[Redraw],
    done: dict[str, bool],
) -> None:
    """The lines of a community are through."""
    if here is None:
        return
    intact = here.close(report, stated[here.code]) and here.code not in done
    done[here.code] = intact
    for redraw in redraws:
        redraw.pass_community(here.code, here.ids, intact)


def compare(report: Report, where: str, expected: dict[Any, Any], found: dict[Any, Any]) -> bool:
    """Rows by their key: each that is missing, too many or different is named. True when all are the same."""
    same = True
    for key in sorted(expected.keys() | found.keys(), key=str):
        name = f"{where}[{key}]"
        if key not in found:
            report.differs(name, "missing", where, expected=expected[key])
        elif key not in expected:
            report.differs(name, "extra", where, found=found[key])
        elif canonical(expected[key]) != canonical(found[key]):
            report.differs(name, "other", where, expected=expected[key], found=found[key])
        else:
            continue
        same = False
    return same


def check_result(report: Report, certificate: dict[str, Any], redraws: list[Redraw], read: bool) -> bool:
    """The result against the draw made again. Returns whether all of it was compared and is the same."""
    stated = certificate["result"]
    report.same("result_hash", hash_of(stated), certificate["result_hash"])
    redraw = redraws[0]
    if len(redraws) > 1 and closeness(redraws[1], stated) > closeness(redraw, stated):
        redraw = redraws[1]
        report.differs("seed", "stated_seed")
    psus_same = check_rows(report, "result.psus", redraw.psus, stated["psus"], 0)
    if psus_same:
        report.say(CHECKED, "result.psus", "ok_psus", n=len(redraw.psus))
    check_replicates(report, certificate)
    if not redraw.rows and not redraw.skipped:
        return False
    if redraw.skipped:
        check_part_of_households(report, redraw, stated["households"])
        return False
    drawn = redraw.result()["households"]
    households_same = check_rows(report, "result.households", drawn, stated["households"], 0)
    if households_same:
        report.say(CHECKED, "result.households", "ok_households", n=len(drawn))
    return read and psus_same and households_same


def closeness(redraw: Redraw, stated: dict[str, Any]) -> int:
    """How many rows of the stated result a draw gives."""
    rows = [canonical(row) for row in stated["psus"]]
    drawn = {canonical(row) for row in redraw.psus}
    ids = {row[0] for row in redraw.rows}
    return sum(row in drawn for row in rows) + sum(row[1] in ids for row in stated["households"])


def check_rows(report: Report, where: str, drawn: list[Any], stated: list[Any], key: int) -> bool:
    """Rows by key, and that they stand in the same order, each once."""
    same = compare(report, where, {row[key]: row for row in drawn}, {row[key]: row for row in stated})
    if same and [row[key] for row in drawn] != [row[key] for row in stated]:
        places = [i for i, row in enumerate(stated) if i >= len(drawn) or row[key] != drawn[i][key]]
        for place in places:
            report.differs(f"{where}[{stated[place][key]}]", "order", where)
        same = False
    return same


def check_part_of_households(report: Report, redraw: Redraw, stated: list[Any]) -> None:
    """When lines of the frame were altered: the PSUs whose lines are whole, without the numbers."""
    report.say(UNCHECKED, "result.households", "skipped", n=len(redraw.skipped))
    skipped = set(redraw.skipped)
    drawn = {row[0]: row for row in redraw.rows}
    compare(report, "result.households", drawn, {row[1]: row[1:] for row in stated if row[2] not in skipped})


def check_replicates(report: Report, certificate: dict[str, Any]) -> None:
    """Reserve replicates have the drawn households and were released in order."""
    households = certificate["result"]["households"]
    released = [row["released_at"] for row in certificate["replicates"]]
    for place, row in enumerate(certificate["replicates"]):
        where = f"replicates[{place}]"
        report.same(where + ".number", place, row["number"])
        count = sum(1 for household in households if household[3] == place)
        report.same(where + ".n_cases", count, row["n_cases"])
        before = released[place - 1] if place else released[0]
        if row["released_at"] and not (before and before <= row["released_at"]):
            report.differs(where + ".released_at", "order")


# --- a resident's own line, a party's secret ----------------------------------------------------------

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32
DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−─－"), "-")


def read_code(text: str) -> tuple[bytes, str]:
    """(salt, opaque id) of the code in a letter. Raises ValueError.

    Two lines of 28 digits: 16 bytes, then the first 12 bits of SHA-256(number of the line ‖ 16 bytes).
    """
    clean = unicodedata.normalize("NFKC", text).translate(DASHES).upper()
    clean = clean.replace("O", "0").replace("I", "1").replace("L", "1")
    digits = [ALPHABET.index(c) for c in clean if c != "-" and not c.isspace()]
    if len(digits) != 56:
        raise ValueError("a code has 56 digits")
    parts = []
    for place in (0, 1):
        number = 0
        for digit in digits[28 * place : 28 * place + 28]:
            number = number << 5 | digit
        raw = (number >> 12).to_bytes(16, "big")
        if int.from_bytes(sha(bytes([place + 1]) + raw)[:2], "big") >> 4 != number & 0xFFF:
            raise ValueError("a digit is wrong")
        parts.append(raw)
    name = parts[1].hex()
    return parts[0], "-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:]))


def normalise_address(text: str) -> str:
    """ "minyi-address-1": NFKC, no spaces, one kind of dash, lower case."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text).translate(DASHES)).lower()


def my_line(code: str, address: str, lines: Iterable[str]) -> tuple[bool | None, int]:
    """Whether the frame's line of that code commits to that address; and its number. None: no such line."""
    salt, opaque_id = read_code(code)
    for number, line in enumerate(lines, 1):
        found = LINE.fullmatch(line.rstrip("\r\n"))
        if found is None or found.group(2) != opaque_id:
            continue
        community, _id, kind, commitment = found.groups()
        body = {"address": normalise_address(address), "community": community, "id": opaque_id, "kind": kind}
        return sha(salt + canonical(body)).hex() == commitment, number
    return None, 0


# --- command line -------------------------------------------------------------------------------------

LINES_SAID = {
    "yes": ("是：这次抽样重做了一遍，结果一样。", "YES: the draw was done again, with the same result."),
    "no": (
        "否：和承诺、名录或签名对不上，见上面打叉的各项。",
        "NO: it does not agree; see what is crossed above.",
    ),
    "open": (
        "还不能说：查过的都对得上，但没有全部查到。",
        "CANNOT SAY: what was checked agrees, but not all could be.",
    ),
    "file": ("这个文件读不了：{name}（{why}）", "this file cannot be read: {name} ({why})"),
    "mine": ("是：您的地址在名录第 {n} 行。", "YES: your address is in the frame, line {n}."),
    "not_mine": ("否：第 {n} 行不是这个地址。请核对地址的写法。", "NO: line {n} is not of this address."),
    "no_line": ("否：名录里没有这个码的那一行。", "NO: the frame has no line of this code."),
    "bad_code": (
        "码应为 56 位字母和数字，有一位不对，请再核对。",
        "the code has 56 letters and digits; one is wrong.",
    ),
    "secret": ("秘密（自己留好，抽样那天再交）：{secret}", "Secret (keep it, give it on the day): {secret}"),
    "digest": ("指纹（现在交给主办方）：{digest}", "Its hash (give it to the office now): {digest}"),
    "need": ("请给出证书文件", "give the file of a certificate"),
}


def open_text(path: str) -> Any:
    """A text file, packed or not."""
    if path.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    return open(path, encoding="utf-8", newline="\n")


def refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; one with a key twice would say different things to different readers."""
    if len({key for key, _value in pairs}) < len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


def read_certificate(path: str) -> Any:
    """A certificate from its file. Raises OSError, ValueError."""
    with open_text(path) as file:
        return json.load(file, object_pairs_hook=refuse_doubles)


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Verify a Minyi draw / 核验民意抽样")
    parser.add_argument("certificate", nargs="?")
    parser.add_argument("frame", nargs="?")
    parser.add_argument("--language", choices=["zh", "en"], default="zh")
    parser.add_argument("--public-key", default="")
    parser.add_argument("--commitment", default="")
    parser.add_argument("--my-line", metavar="CODE")
    parser.add_argument("--address", default="")
    parser.add_argument("--new-secret", action="store_true")
    given = parser.parse_args(arguments)
    place = 1 if given.language == "en" else 0

    def tell(sentence: str, code: int, **values: Any) -> int:
        print(LINES_SAID[sentence][place].format(**values))
        return code

    if given.new_secret:
        secret = secrets.token_bytes(32)
        tell("secret", 0, secret=secret.hex())
        return tell("digest", 0, digest=sha(secret).hex())
    if not given.certificate:
        return tell("need", 2)
    path = given.certificate
    try:
        if given.my_line:
            path = given.frame or given.certificate
            return tell_my_line(given, path, tell)
        certificate = read_certificate(path)
        path = given.frame
        lines = open_text(path) if path else None
        verdict = verify(certificate, lines, given.public_key, given.commitment)
    except (OSError, EOFError, ValueError, RecursionError) as error:
        return tell("file", 2, name=path, why=error)
    for finding in verdict.findings:
        print(f"{MARKS[finding.level]} {finding.where}: {finding.text(given.language)}")
    if not verdict.ok:
        return tell("no", 1)
    return tell("yes", 0) if verdict.complete else tell("open", 2)


def tell_my_line(given: argparse.Namespace, path: str, tell: Callable[..., int]) -> int:
    """A resident's question: is my address in the frame?"""
    try:
        read_code(given.my_line)
    except ValueError:
        return tell("bad_code", 2)
    with open_text(path) as lines:
        mine, number = my_line(given.my_line, given.address, lines)
    if mine is None:
        return tell("no_line", 1)
    return tell("mine", 0, n=number) if mine else tell("not_mine", 1, n=number)


if __name__ == "__main__":
    sys.exit(main())
