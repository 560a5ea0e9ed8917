"""Both catalogues are whole, keep every placeholder, and are compiled."""

import gettext
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "survey" / "locale"
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd]|%\.\df|\{\w*\}")
LINE = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) "(.*)"$')


def read_po(path: Path) -> list[dict[str, str]]:
    """Entries of a .po file as {keyword: text}, escapes kept."""
    entries = []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        entry, key = {}, ""
        for line in block.splitlines():
            if match := LINE.match(line):
                key = match[1]
                entry[key] = match[2]
            elif line.startswith('"') and key:
                entry[key] += line[1:-1]
            elif line.startswith("#,") and "fuzzy" in line:
                entry["fuzzy"] = line
        if entry.get("msgid"):
            entries.append(entry)
    return entries


@pytest.mark.parametrize("language", ["en", "zh_Hant"])
def test_every_text_is_translated_with_its_placeholders(language):
    wrong = []
    for entry in read_po(LOCALE / language / "LC_MESSAGES" / "django.po"):
        for key in [k for k in entry if k.startswith("msgstr")]:
            source = entry.get("msgid_plural", entry["msgid"]) if key == "msgstr[1]" else entry["msgid"]
            same = sorted(PLACEHOLDER.findall(entry[key])) == sorted(PLACEHOLDER.findall(source))
            if not entry[key] or "fuzzy" in entry or not same:
                wrong.append(f"{source} → {entry[key]}")
    assert wrong == []


@pytest.mark.parametrize("language", ["en", "zh_Hant"])
def test_the_compiled_catalogue_is_that_of_the_source(language):
    folder = LOCALE / language / "LC_MESSAGES"
    with (folder / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    wrong = []
    for entry in read_po(folder / "django.po"):
        if "msgid_plural" in entry or "msgctxt" in entry:
            continue
        texts = [entry[k].replace("\\n", "\n").replace('\\"', '"') for k in ("msgid", "msgstr")]
        if compiled.gettext(texts[0]) != texts[1]:
            wrong.append(texts[0])
    assert wrong == [], "run `make messages`"


def test_texts_are_only_marked_in_ways_that_are_collected():
    """xgettext knows `_` and the functions' own names; a text in another wrapping is never translated."""
    alias = re.compile(r"import (?:n|np|p)?gettext(?:_lazy)? as (?!_$)\w+", re.MULTILINE)
    found = [path for part in ("survey", "api") for path in (ROOT / part).rglob("*.py")]
    assert [path for path in found if alias.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="gettext is not installed: apt install gettext")
def test_no_text_of_the_program_is_missing_from_the_catalogues(tmp_path):
    for part in ("survey", "api", "analysis"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("*.mo", "__pycache__"))
    shutil.copy(ROOT / "manage.py", tmp_path)
    command = [sys.executable, "manage.py", "makemessages", "-l", "en", "--no-obsolete", "--no-location"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    found = {e["msgid"] for e in read_po(tmp_path / "survey" / "locale" / "en" / "LC_MESSAGES" / "django.po")}
    known = {e["msgid"] for e in read_po(LOCALE / "en" / "LC_MESSAGES" / "django.po")}
    assert sorted(found - known) == [], "run makemessages and translate them"
