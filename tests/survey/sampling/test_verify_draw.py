"""The single-file verifier: yes to what was drawn, and no, with what differs, to all tampering."""

import ast
import copy
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from survey.common.canonical import canonical_json
from survey.common.crypto import decrypt
from survey.sampling import verify_draw
from survey.sampling.certificate import certificate_of, fingerprints
from survey.sampling.lines import normalise_address
from survey.sampling.proof_code import proof_lines
from survey.sampling.tree import leaf_hash, tree_root
from survey.sampling.verify_draw import DIFFERS, UNCHECKED, verify
from tests.survey.sampling.revealed import make_committed, make_drawn, make_revealed

pytestmark = [pytest.mark.django_db, pytest.mark.database]
FILE = Path(verify_draw.__file__)


@pytest.fixture
def revealed(regions, monkeypatch):
    return make_revealed(regions, monkeypatch)


def differing(verdict):
    return [finding.where for finding in verdict.findings if finding.level == DIFFERS]


def sign_again(certificate):
    """What a forger can do: bring the fingerprints up to date and sign with a key of his own."""
    key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    certificate["fingerprints"] = fingerprints(certificate)
    body = {name: value for name, value in certificate.items() if name != "signature"}
    certificate["signature"] = {
        "algorithm": "Ed25519",
        "public_key": key.public_key().public_bytes_raw().hex(),
        "value": key.sign(canonical_json(body)).hex(),
    }
    return certificate


def test_a_true_certificate_and_its_frame_are_a_plain_yes(revealed):
    verdict = verify(revealed.certificate, revealed.lines)
    assert verdict.ok and verdict.complete, differing(verdict)
    codes = {finding.code for finding in verdict.findings}
    assert {"ok_signature", "ok_hashes", "ok_seed", "ok_psus", "ok_households", "ok_frame"} <= codes
    # It says what it cannot know.
    assert {"see_key", "see_commitment", "see_beacon", "see_stamp", "coverage"} <= codes
    assert not {"one_party", "no_stamp", "demo"} & codes


def test_keys_and_hashes_that_were_noted_are_compared(revealed):
    key = revealed.certificate["signature"]["public_key"]
    noted = revealed.certificate["commitment_hash"]
    verdict = verify(revealed.certificate, revealed.lines, public_key=key.upper(), commitment_hash=noted)
    assert verdict.ok and not {"see_key", "see_commitment"} & {f.code for f in verdict.findings}
    assert differing(verify(revealed.certificate, public_key="0" * 64)) == ["signature.public_key"]
    assert differing(verify(revealed.certificate, commitment_hash="0" * 64)) == ["commitment_hash"]


def test_without_the_frame_or_before_the_reveal_it_cannot_say(revealed):
    verdict = verify(revealed.certificate)
    assert verdict.ok and not verdict.complete
    assert "no_frame" in {finding.code for finding in verdict.findings}


@pytest.mark.parametrize("make", [make_committed, make_drawn])
def test_earlier_stages_are_checked_as_far_as_they_go_and_hold_no_secret(make, regions, monkeypatch):
    draw = make(regions, monkeypatch)
    certificate = certificate_of(draw)
    verdict = verify(certificate)
    assert verdict.ok and not verdict.complete, differing(verdict)
    assert [f.code for f in verdict.findings if f.level == UNCHECKED] == ["not_yet", "no_frame"]
    text = json.dumps(certificate)
    assert not {"secrets", "seed", "result"} & certificate.keys()
    for unit in draw.design.frame.units.all():
        assert str(unit.opaque_id) not in text and unit.commitment not in text


# --- tampering with the certificate -------------------------------------------------------------------


def paths(value, path=()):
    """Every place of a JSON document, inner ones and leaves."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths(inner, (*path, key))


def at(document, path):
    for key in path:
        document = document[key]
    return document


def named(verdict, path):
    """Whether a difference is reported at this part of the certificate, or at the signature itself."""
    part = ".".join(str(key) for key in path[:2] if isinstance(key, str))
    if path[0] == "fingerprints":
        part = path[1] if len(path) > 1 else "fingerprints"
    return any(where.startswith((part, path[0])) for where in differing(verdict))


def changed(value):
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        last = value[-1:]
        return value[:-1] + ("1" if last != "1" else "2")
    return None


def test_every_leaf_that_is_changed_is_found_and_its_part_is_named(revealed):
    wrong = []
    for path in paths(revealed.certificate):
        if isinstance(at(revealed.certificate, path), dict | list):
            continue
        altered = revealed.copy()
        at(altered, path[:-1])[path[-1]] = changed(at(altered, path))
        verdict = verify(altered)
        if verdict.ok or not named(verdict, path) or "signature" not in " ".join(differing(verdict)):
            wrong.append((path, differing(verdict)))
    assert wrong == []


def test_every_key_and_row_that_is_dropped_is_found_and_its_part_is_named(revealed):
    wrong = []
    for path in paths(revealed.certificate):
        altered = revealed.copy()
        del at(altered, path[:-1])[path[-1]]
        verdict = verify(altered)
        if verdict.ok or not named(verdict, path):
            wrong.append((path, differing(verdict)))
    assert wrong == []


def test_every_pair_of_rows_that_is_swapped_is_found_and_its_part_is_named(revealed):
    wrong = []
    for path in paths(revealed.certificate):
        rows = at(revealed.certificate, path)
        if not isinstance(rows, list):
            continue
        for i in range(len(rows) - 1):
            altered = revealed.copy()
            there = at(altered, path)
            there[i], there[i + 1] = there[i + 1], there[i]
            if there[i] == there[i + 1]:
                continue
            verdict = verify(altered)
            if verdict.ok or not named(verdict, path):
                wrong.append((path, i, differing(verdict)))
    assert wrong == []


STRANGE = [None, [], {}, "", 5, [[]], {"a": 1}, True, "x" * 64, -1, 1.5]


def test_parts_of_another_shape_never_crash_it(revealed):
    """Each place of the certificate gets one of the strange values, in turn."""
    for i, path in enumerate(paths(revealed.certificate)):
        value = STRANGE[i % len(STRANGE)]
        altered = revealed.copy()
        at(altered, path[:-1])[path[-1]] = value
        if canonical_json(altered) != canonical_json(revealed.certificate):
            assert not verify(altered, revealed.lines[:20]).ok, path
    for name in revealed.certificate:
        for value in STRANGE:
            assert not verify({**revealed.certificate, name: value}, revealed.lines[:20]).ok, name
    assert not any(verify(value).ok for value in STRANGE)


# Even whoever holds a signing key (his own, or the office's) is found out: the forgery is signed again here.


def test_one_household_of_the_result_is_named_also_when_it_is_signed_again(revealed):
    altered = revealed.copy()
    row = altered["result"]["households"][4]
    in_sample = {household[1] for household in altered["result"]["households"]}
    other = next(line.split(",")[1] for line in revealed.lines[1:] if line.split(",")[1] not in in_sample)
    row[1] = other
    verdict = verify(sign_again(altered), revealed.lines)
    assert not verdict.ok
    assert [where for where in differing(verdict) if where.startswith("result.")] == ["result.households[5]"]
    text = " ".join(finding.text("zh") for finding in verdict.findings)
    assert other in text and revealed.certificate["result"]["households"][4][1] in text


def test_a_digit_of_the_seed_is_named_and_the_result_stays_right(revealed):
    altered = revealed.copy()
    seed = altered["seed"]
    altered["seed"] = ("0" if seed[0] != "0" else "1") + seed[1:]
    verdict = verify(sign_again(altered), revealed.lines)
    assert differing(verdict) == ["signature.public_key", "seed"]


def test_a_result_drawn_from_another_seed_is_said_to_be_so(revealed):
    """The office draws with a seed that it likes better and states it."""
    altered = revealed.copy()
    seed = bytes.fromhex("5e" * 32)
    redraw = verify_draw.Redraw(seed, altered)
    for code in sorted({line.split(",")[0] for line in revealed.lines[1:]}):
        ids = [line.split(",")[1] for line in revealed.lines[1:] if line.startswith(code)]
        redraw.pass_community(code, ids, True)
    altered["seed"], altered["result"] = seed.hex(), redraw.result()
    altered["result_hash"] = verify_draw.hash_of(altered["result"])
    verdict = verify(sign_again(altered), revealed.lines)
    assert set(differing(verdict)) == {"signature.public_key", "seed"}
    assert "stated_seed" in {finding.code for finding in verdict.findings}


def test_another_beacon_value_or_secret_gives_another_seed(revealed):
    altered = revealed.copy()
    altered["beacon"]["value"] = "03 09 14 21 26 32+08"
    assert "seed" in differing(verify(sign_again(altered), revealed.lines))
    altered = revealed.copy()
    altered["secrets"][1] = "00" * 32
    assert "secrets[2]" in differing(verify(sign_again(altered), revealed.lines))


def test_another_commitment_is_found_by_the_hash_that_was_published(revealed):
    """A forger with the office's key can make all of it anew, but not the hash that was stamped before."""
    altered = revealed.copy()
    altered["commitment"]["reveal_by"] = "2029-01-01"
    altered["commitment_hash"] = verify_draw.hash_of(altered["commitment"])
    altered["commits"][0]["commitment_hash"] = altered["commitment_hash"]
    verdict = verify(altered, commitment_hash=revealed.certificate["commitment_hash"])
    assert "commitment_hash" in differing(verdict)


def test_a_certificate_signed_with_another_key_is_found_through_the_commitment(revealed):
    assert differing(verify(sign_again(revealed.copy()), revealed.lines)) == ["signature.public_key"]


def test_a_commitment_that_is_left_out_is_missed(revealed):
    altered = revealed.copy()
    second = {**altered["commits"][0], "number": 3, "state": "void", "void_reason": "x"}
    altered["commits"].append(second)
    assert "commits[2]" in differing(verify(sign_again(altered), revealed.lines))
    altered["commits"][-1]["number"] = 10**15
    assert "commits[1000000000000000]" not in differing(verify(sign_again(altered), revealed.lines))


# --- tampering with the frame -------------------------------------------------------------------------


def community_of(line):
    return f"frame.communities[{line.split(',')[0]}]"


def test_every_line_of_the_frame_that_is_changed_is_found_and_named(revealed):
    """Kind, id, commitment or community of each line: the community and its lines are named."""
    for place in range(1, len(revealed.lines), 5):
        code, opaque_id, kind, commitment = revealed.lines[place].strip().split(",")
        for altered in (
            (code, opaque_id, "collective", commitment),
            (code, opaque_id, kind, changed(commitment)),
            (code, changed(opaque_id), kind, commitment),
        ):
            lines = [*revealed.lines]
            lines[place] = ",".join(altered) + "\n"
            verdict = verify(revealed.certificate, lines)
            assert not verdict.ok
            assert community_of(lines[place]) in differing(verdict)
        for text in ("999999999999" + revealed.lines[place][12:], revealed.lines[place][:-5] + "\n"):
            lines = [*revealed.lines]
            lines[place] = text
            assert f"frame:{place + 1}" in differing(verify(revealed.certificate, lines))


def test_every_line_that_is_dropped_doubled_swapped_or_added_is_found_and_named(revealed):
    for place in range(1, len(revealed.lines) - 1, 5):
        line, following = revealed.lines[place], revealed.lines[place + 1]
        dropped = revealed.lines[:place] + revealed.lines[place + 1 :]
        assert community_of(line) in differing(verify(revealed.certificate, dropped))
        doubled = [*revealed.lines[:place], line, *revealed.lines[place:]]
        found = differing(verify(revealed.certificate, doubled))
        assert {f"frame:{place + 2}", community_of(line)} <= set(found)
        swapped = [*revealed.lines]
        swapped[place], swapped[place + 1] = following, line
        assert {f"frame:{place + 2}"} & set(differing(verify(revealed.certificate, swapped)))
        new = line.replace(line.split(",")[1], "ffffffff-ffff-4fff-8fff-ffffffffffff")
        added = [*revealed.lines[:place], new, *revealed.lines[place:]]
        assert community_of(line) in differing(verify(revealed.certificate, added))


def test_a_whole_community_that_is_dropped_or_doubled_is_named(revealed):
    code = revealed.lines[-1].split(",")[0]
    without = [line for line in revealed.lines if not line.startswith(code)]
    assert f"frame.communities[{code}]" in differing(verify(revealed.certificate, without))
    twice = revealed.lines + [line for line in revealed.lines if line.startswith(code)]
    assert not verify(revealed.certificate, twice).ok


def test_a_household_swapped_in_frame_and_result_alike_is_found_by_the_roots(revealed):
    """The office swaps a drawn household for a friend's, in both files, and signs with its own key."""
    altered, lines = revealed.copy(), [*revealed.lines]
    row = altered["result"]["households"][0]
    place = next(i for i, line in enumerate(lines) if row[1] in line)
    other = changed(row[1])
    lines[place], row[1] = lines[place].replace(row[1], other), other
    altered["result_hash"] = verify_draw.hash_of(altered["result"])
    verdict = verify(sign_again(altered), lines)
    assert community_of(lines[place]) in differing(verdict)


def test_an_empty_or_strange_frame_is_no_yes(revealed):
    for lines in ([], ["\n"], ["a,b\n"], revealed.lines[1:], ["﻿" + revealed.lines[0], *revealed.lines[2:]]):
        assert not verify(revealed.certificate, lines).complete
    marked = ["﻿" + revealed.lines[0], *revealed.lines[1:]]
    windows = [line.replace("\n", "\r\n") for line in revealed.lines]
    assert verify(revealed.certificate, marked).complete and verify(revealed.certificate, windows).complete


# --- the file by itself -------------------------------------------------------------------------------


def run(folder, *arguments):
    """The file alone in an empty folder: isolated from environment, site and everything of ours."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "verify_draw.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1", "PATH": ""},
    )


@pytest.fixture
def folder(tmp_path, revealed):
    (tmp_path / "verify_draw.py").write_bytes(FILE.read_bytes())
    (tmp_path / "certificate.json").write_bytes(canonical_json(revealed.certificate))
    (tmp_path / "frame.csv").write_text("".join(revealed.lines), encoding="utf-8")
    return tmp_path


def test_alone_in_an_empty_folder_it_says_yes_no_and_cannot_say(folder, revealed):
    done = run(folder, "certificate.json", "frame.csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("是：")
    assert run(folder, "certificate.json", "--language", "en").returncode == 2
    (folder / "frame.csv").write_text("".join(revealed.lines[:-1]), encoding="utf-8")
    done = run(folder, "certificate.json", "frame.csv", "--language", "en")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("NO") and "✗ frame.communities[" in done.stdout


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b'{"format": 1, "format": 2}', b"[" * 100_000, b"NaN"]
)
def test_files_that_are_no_certificates_are_refused_in_words(folder, content):
    (folder / "certificate.json").write_bytes(content)
    done = run(folder, "certificate.json", "frame.csv")
    assert done.returncode in (1, 2) and done.stderr == "" and done.stdout
    assert run(folder, "nothing.json").returncode == 2
    assert run(folder).returncode == 2


def test_it_makes_a_secret_for_a_party(folder):
    first, second = (re.findall(r"[0-9a-f]{64}", run(folder, "--new-secret").stdout) for _ in range(2))
    secret, digest = first
    assert hashlib.sha256(bytes.fromhex(secret)).hexdigest() == digest
    assert second[0] != secret


def test_a_resident_finds_her_line_with_the_code_of_her_letter(folder, revealed):
    unit = revealed.draw.design.frame.units.get(position=7)
    address = decrypt(unit.address_cipher, "sampling.address")
    code = " ".join(proof_lines(salt=bytes(unit.salt), opaque_id=unit.opaque_id))
    files = ("certificate.json", "frame.csv")
    done = run(folder, "--my-line", code.lower(), "--address", f" {address}", *files)
    assert done.returncode == 0 and "您的地址在名录第" in done.stdout
    assert run(folder, "--my-line", code, "--address", address + "1", *files).returncode == 1
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    done = run(folder, "--my-line", wrong, "--address", address, *files)
    assert done.returncode == 2 and "56 位" in done.stdout
    (folder / "frame.csv").write_text("".join(revealed.lines[:2]), encoding="utf-8")
    done = run(folder, "--my-line", code, "--address", address, *files)
    assert done.returncode == 1 and "没有这个码" in done.stdout


def test_it_parses_as_python_38():
    ast.parse(FILE.read_text(encoding="utf-8"), feature_version=(3, 8))
    tree = ast.parse(FILE.read_text(encoding="utf-8"))
    imported = {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names])
    }
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


# --- its own implementation against the other ---------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 100])
def test_its_trees_are_the_same(n):
    leaves = [leaf_hash(str(i).encode()) for i in range(n)]
    assert verify_draw.tree_root(leaves) == tree_root(leaves)


def test_addresses_are_read_the_same():
    for text in ("１号楼 2－101室", "Ａ座—3层", "  東街 5 號\t", "1–2-3"):
        assert verify_draw.normalise_address(text) == normalise_address(text)


@pytest.mark.parametrize(
    "spec",
    [
        {"take": 2, "reserve_replicates": 0},
        {"take": 12, "reserve_replicates": 0, "n_psus": 5},
        {"take": 4, "reserve_replicates": 3, "reserve_take": 2},
        {"take": 16, "reserve_replicates": 0, "n_psus": 3},
    ],
)
def test_its_draws_are_the_same_for_other_designs(regions, monkeypatch, spec):
    """Certainty units, joined communities, reserves, the whole of a community."""
    made = make_revealed(regions, monkeypatch, **spec)
    verdict = verify(made.certificate, made.lines)
    assert verdict.complete, differing(verdict)


def test_findings_are_in_two_languages_and_none_is_left_with_braces(revealed):
    altered = copy.deepcopy(revealed.certificate)
    altered["result"]["households"] = altered["result"]["households"][1:]
    for finding in verify(altered, revealed.lines[:-3]).findings:
        for language in ("zh", "en"):
            assert finding.text(language) and "{expected}" not in finding.text(language)
