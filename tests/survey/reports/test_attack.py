"""All outputs of a report, attacked together by linear programming: nothing masked is known too well."""

import copy
import io
import json
import re
import zipfile

import openpyxl
import pytest
from django.test import Client

from survey.reports.masks import ITEM
from survey.reports.models import Report
from survey.reports.services import create_run, publish_report
from survey.reports.tables_api import public_tables
from tests.survey.reports.attack import attack, read_tables, unread_counts
from tests.survey.reports.thin_city import make_city, next_round, true_counts

pytestmark = [pytest.mark.django_db, pytest.mark.database]
FLOOR = 8
STREETS = [[0.9, 0.8, 0.25, 0.9], [0.8, 0.2, 0.9], [0.3, 0.35]]


@pytest.fixture
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def published(regions, lead, media):
    """The second round's published report, and its round."""
    first = make_city(STREETS, floor=FLOOR)
    publish_report(run=create_run(round=first, acting_user=lead), title="第一轮", acting_user=lead)
    second = next_round(first, STREETS)
    run = create_run(round=second, acting_user=lead)
    return publish_report(run=run, title="第二轮", acting_user=lead), second


def test_no_masked_count_is_known_within_its_protection_interval(published, lead):
    report, round_ = published
    tables = json.loads(json.dumps(public_tables(report.document)))
    assert unread_counts(tables) == set()
    truth = true_counts(round_, report.document)
    known = read_tables(tables)
    assert all(truth.get(cell, 0) == n for cell, n in known.counts.items() if "before" not in cell[0][0])
    assert all(n >= FLOOR for cell, n in known.counts.items())
    exposed, tried = attack(tables, truth, FLOOR, report.document["masks"])
    assert tried > 40 and exposed == []
    _tampering_is_found(tables, truth, report.document["masks"])
    _files_and_pages_print_nothing_else(report, lead)


def _tampering_is_found(tables, truth, masks):
    """All masked streets of a district but one laid open, masked bases beside drivers: both are found."""
    score, rare = ("indicator", "score"), ("item", "Q03")
    masked = {p for p in masks["indicator:score"] if (score, p) in truth}
    parents = {d["key"]: d["parent"] for d in tables["domains"] if d["kind"] == "street"}
    one = next(p for p in sorted(masked & set(parents)) if parents[p] not in masked)
    open_one = copy.deepcopy(tables)
    for street in masked - {one}:
        if parents.get(street) == parents[one]:
            open_one["estimates"]["score"][street] = {"n": truth[score, street]}
    mine = {(score, one): truth[score, one]}
    assert [e.cell for e in attack(open_one, mine, FLOOR, masks)[0]] == [(score, one)]
    hidden = [p for p in masks[ITEM + "Q03"] if (rare, p) in truth]
    drivers = copy.deepcopy(tables)
    for place in hidden[1:]:
        row = {"name": "Q03", "n": truth[rare, place]}
        drivers["drivers"]["domains"][place] = {
            "n": truth.get((("drivers", "services"), place), 0),
            "drivers": [row],
        }
    assert attack(drivers, {c: n for c, n in truth.items() if c[0] == rare}, FLOOR, masks)[0]


def _files_and_pages_print_nothing_else(report, lead):
    """What is printed does not change when all but the published tables is struck from the document: so the
    attack on them is an attack on pages, Excel, CSV, Word, PDF and briefs together."""
    masked = [key for key in report.document["masks"][ITEM + "Q03"] if key.isdigit()]
    before = _outputs(report, lead, masked[:3])
    weights = report.document["weights"]
    bare = public_tables(report.document)
    bare["weights"] |= {
        "classes": [{} for _ in weights["classes"]],
        "cells": [{name: cell[name] for name in ("district", "sex", "bands")} for cell in weights["cells"]],
    }
    Report.objects.filter(pk=report.pk).update(document=bare)
    after = _outputs(Report.objects.get(pk=report.pk), lead, masked[:3])
    assert before.keys() == after.keys() and len(before) > 12
    for address, content in before.items():
        assert content == after[address], address


def _outputs(report, reader, places):
    client = Client()
    client.force_login(reader)
    found = {}
    pages = ["", *(f"{key}/" for key in [*places, "370171000000", "370171001000"])]
    for page in (f"/reports/{report.number}/{page}" for page in pages):
        for code in ("services", "rare"):
            found[f"{page}?indicator={code}"] = _page(client, f"{page}?indicator={code}")
    for name in (f"{report.number}.csv", f"{report.number}.pdf", f"{report.number}-briefs.pdf"):
        found[name] = client.get(f"/reports/{name}").content
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/reports/{report.number}.xlsx").content))
    found["xlsx"] = [[list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book]
    with zipfile.ZipFile(io.BytesIO(client.get(f"/reports/{report.number}.docx").content)) as word:
        found["docx"] = word.read("word/document.xml")
    return found


def _page(client, address):
    text = client.get(address).content.decode()
    assert "indicator" in text
    return re.sub(r'(nonce|csrfmiddlewaretoken" value)="[^"]*"', "", text)
