"""The same questionnaire on a slow phone: our page, SurveyJS's form library and ODK Web Forms, in one run.

    python -m benchmarks.page_weight [--repeat 5] [--packages DIR]

The questionnaire is the one that ships (minyi_core.xlsx): our document, translated to SurveyJS's JSON (one
question a page, conditions as `visibleIf`) and to an ODK XForm by pyxform. The peers are what their makers
publish, installed by npm into a temporary folder (`--packages` names one that is there already): survey-core
and survey-js-ui as minified files with the style sheet without fonts, and @getodk/web-forms with Vue's
production build. Nothing of them is kept.

Each page is opened `--repeat` times, the three in turn, in headless Chromium with an empty cache, a CPU four
times slower, 1.6 Mbit/s down, 750 kbit/s up and a round trip of 150 ms. All files are served from this
machine over HTTP/1.1, compressed by gzip -9. "Usable" is the first frame in which the first question's field
can be hit by a finger; bytes are all that crossed the line, headers included. Medians.

Prints bytes and seconds, and ratios to ours. Exits with 1 when our first visit is above 60 kB or we take more
than a third of SurveyJS's time. Needs Chromium and npm; without npm only ours is measured and that is said.
"""

import argparse
import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.serializers.json import DjangoJSONEncoder
from django.template.loader import render_to_string
from django.utils.html import json_script
from playwright.sync_api import Browser, sync_playwright
from pyxform.xls2xform import convert

from survey.questionnaires.data.build_core import PATH
from survey.questionnaires.document import document_hash, items_of, missing_choices, substantive_choices
from survey.questionnaires.xlsform import read_xlsform

PACKAGES = ("survey-core@2.5.38", "survey-js-ui@2.5.38", "@getodk/web-forms@0.22.0", "vue@3.5.29")
LIMIT_BYTES, LIMIT_RATIO = 60_000, 1 / 3
CPU_SLOWER, DOWN_BITS, UP_BITS, ROUND_TRIP_MS = 4, 1_600_000, 750_000, 150
WIDTH, HEIGHT = 390, 844
PATIENCE_MS = 120_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".xml": "text/xml",
}
# Runs in the page before its own scripts: notes the first frame in which the field is there to be hit.
WATCH = """(selector => {
  const look = () => {
    const field = document.querySelector(selector);
    const box = field && field.getBoundingClientRect();
    if (box && box.width > 0 && box.height > 0) {
      const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
      if (hit && (field === hit || field.contains(hit) || hit.contains(field))) {
        window.usableAt = performance.now();
        return;
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})("SELECTOR")"""
Files = dict[str, bytes]  # path → content
Document = dict[str, Any]


class ReadableJSON(DjangoJSONEncoder):
    """As survey.responses.views writes the document into the page."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "ensure_ascii": False})


# ---- the three pages -------------------------------------------------------------------------------------


def our_page(document: Document) -> Files:
    """The resident's page as the site renders it, with every static file that it names."""
    respondent, round_ = SimpleNamespace(public_id=uuid.UUID(int=1)), SimpleNamespace(closes_on=None)
    context = {
        "respondent": respondent,
        "round": round_,
        "study": {"title": document["title"]["zh-hans"]},
        "version": {"document": document, "document_hash": document_hash(document)},
        "document": json_script(document, "minyi-document", encoder=ReadableJSON),
        "form_token": "0" * 64,
        "language": "zh-hans",
        "languages": settings.LANGUAGES,
    }
    html = render_to_string("responses/form.html", context)
    files = {"/ours.html": html.encode()}
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', html):
        files[path] = Path(finders.find(path.removeprefix("/static/"))).read_bytes()
    return files


def surveyjs_page(document: Document, packages: Path) -> Files:
    """SurveyJS as its maker publishes it."""
    model = json.dumps(surveyjs_model(document), ensure_ascii=False)
    html = f"""<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>SurveyJS</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="stylesheet" href="/s/survey-core.fontless.min.css"></head><body><div id="survey"></div>
<script src="/s/survey.core.min.js"></script><script src="/s/survey-js-ui.min.js"></script>
<script>new Survey.Model({model}).render(document.getElementById("survey"));</script></body></html>"""
    folder = packages / "node_modules"
    return {
        "/surveyjs.html": html.encode(),
        "/s/survey-core.fontless.min.css": (folder / "survey-core/survey-core.fontless.min.css").read_bytes(),
        "/s/survey.core.min.js": (folder / "survey-core/survey.core.min.js").read_bytes(),
        "/s/survey-js-ui.min.js": (folder / "survey-js-ui/survey-js-ui.min.js").read_bytes(),
    }


def surveyjs_model(document: Document) -> dict[str, Any]:
    """The document as SurveyJS's JSON: same questions, options, texts and conditions, one question a page."""
    elements = [_element(document, item) for item in items_of(document) if item["type"] != "calculate"]
    return {
        "locale": "zh-cn",
        "questionsOnPageMode": "questionPerPage",
        "showProgressBar": "top",
        "elements": elements,
    }


def _element(document: Document, item: dict[str, Any]) -> dict[str, Any]:
    names = {"zh-hans": "zh-cn", "zh-hant": "zh-tw", "en": "en"}

    def texts(label: dict[str, str]) -> dict[str, str]:
        return {names[language]: text for language, text in label.items()}

    kinds = {
        "select_one": "radiogroup",
        "select_multiple": "checkbox",
        "scale": "rating",
        "note": "html",
        "text": "comment" if item.get("multiline") else "text",
    }
    element: dict[str, Any] = {
        "type": kinds.get(item["type"], "text"),
        "name": item["name"],
        "title": texts(item["label"]),
        "isRequired": bool(item.get("required")),
    }
    if item["type"] in ("select_one", "select_multiple"):
        choices = substantive_choices(document, item) + missing_choices(document, item)
        element["choices"] = [{"value": c["code"], "text": texts(c["label"])} for c in choices]
    if item["type"] == "scale":
        element |= {"rateMin": item["from"], "rateMax": item["to"]}
    if item["type"] in ("integer", "decimal"):
        element["inputType"] = "number"
    if "relevant" in item:
        text = re.sub(r"selected\(\s*\$\{(\w+)\}\s*,", r"contains({\1},", item["relevant"]["text"])
        element["visibleIf"] = re.sub(r"\$\{(\w+)\}", r"{\1}", text)
    return element


def odk_page(packages: Path) -> Files:
    """ODK Web Forms with Vue's production build, by an import map; the form is fetched beside the scripts."""
    folder = packages / "node_modules"
    dist = folder / "@getodk/web-forms/dist"
    html = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>ODK Web Forms</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<link rel="preload" href="/o/form.xml" as="fetch" crossorigin>
<script type="importmap">{"imports": {"vue": "/o/vue.js"}}</script></head><body><div id="app"></div>
<script type="module">
import { createApp } from "vue";
import { OdkWebForm, webFormsPlugin } from "/o/index.js";
const formXml = await (await fetch("/o/form.xml")).text();
const fetchFormAttachment = () => Promise.reject(new Error("none"));
createApp(OdkWebForm, { formXml, fetchFormAttachment }).use(webFormsPlugin).mount("#app");
</script></body></html>"""
    files = {f"/o/{file.name}": file.read_bytes() for file in dist.glob("*.js")}
    return files | {
        "/odk.html": html.encode(),
        "/o/vue.js": (folder / "vue/dist/vue.runtime.esm-browser.prod.js").read_bytes(),
        "/o/form.xml": convert(xlsform=str(PATH)).xform.encode(),
    }


# ---- serving and measuring ---------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    """Serves compressed files; answers whatever a page asks besides with 204."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        body = self.server.files.get(path)  # type: ignore[attr-defined]
        self.send_response(204 if body is None else 200)
        if body is not None:
            self.send_header("Content-Type", KINDS[Path(path).suffix])
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")

    do_PUT = do_POST = do_GET


@contextmanager
def serving(files: Files) -> Iterator[str]:
    """The address of a server for these files."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.files = {path: gzip.compress(data, 9) for path, data in files.items()}  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def visit(browser: Browser, address: str, selector: str) -> tuple[int, float]:
    """Bytes over the line, and seconds until the first question can be answered, on a first visit."""
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2)
    page = context.new_page()
    line = context.new_cdp_session(page)
    total = 0

    def finished(event: dict[str, Any]) -> None:
        nonlocal total
        total += event["encodedDataLength"]

    line.on("Network.loadingFinished", finished)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": ROUND_TRIP_MS,
            "downloadThroughput": DOWN_BITS / 8,
            "uploadThroughput": UP_BITS / 8,
        },
    )
    line.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWER})
    page.add_init_script(WATCH.replace("SELECTOR", selector))
    page.goto(address, wait_until="commit", timeout=PATIENCE_MS)
    page.wait_for_function("window.usableAt !== undefined", timeout=PATIENCE_MS)
    seconds = page.evaluate("window.usableAt") / 1000
    page.wait_for_load_state("networkidle", timeout=PATIENCE_MS)
    context.close()
    return int(total), seconds


@contextmanager
def installed(given: str) -> Iterator[Path | None]:
    """The folder of the peers' packages; None where there is no npm."""
    if given:
        yield Path(given)
        return
    npm = shutil.which("npm")
    if npm is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--prefix", folder, *PACKAGES],
            check=True,
            capture_output=True,
        )
        yield Path(folder)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--packages", default="")
    options = parser.parse_args(arguments)
    os.environ.setdefault("MINYI_ENV", "test")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "survey.settings")
    django.setup()
    document, _warnings = read_xlsform(PATH)
    files, pages = our_page(document), {"Minyi": ("/ours.html", ".mf-input")}
    with installed(options.packages) as packages:
        if packages is None:
            print("npm is not on the path: the peers are not measured")
        else:
            files |= surveyjs_page(document, packages) | odk_page(packages)
            pages["SurveyJS"] = ("/surveyjs.html", "input[type=number]")
            pages["ODK Web Forms"] = ("/odk.html", ".odk-form input")
        seen = measure(files, pages, options.repeat)
    return report(seen)


def measure(
    files: Files, pages: dict[str, tuple[str, str]], repeat: int
) -> dict[str, list[tuple[int, float]]]:
    """(bytes, seconds) of each visit to each page; the pages take turns."""
    seen: dict[str, list[tuple[int, float]]] = {name: [] for name in pages}
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    with serving(files) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for _turn in range(repeat):
            for name, (page, selector) in pages.items():
                seen[name].append(visit(browser, address + page, selector))
        browser.close()
    return seen


def report(seen: dict[str, list[tuple[int, float]]]) -> int:
    """Print the table; 1 when a limit is broken."""
    size = {name: statistics.median(each[0] for each in visits) for name, visits in seen.items()}
    time = {name: statistics.median(each[1] for each in visits) for name, visits in seen.items()}
    print(f"{'':16}{'kB':>8}{'× ours':>8}{'usable s':>10}{'× ours':>8}{'   all runs, s'}")
    for name, visits in seen.items():
        runs = " ".join(f"{seconds:.2f}" for _bytes, seconds in visits)
        print(
            f"{name:16}{size[name] / 1000:8.1f}{size[name] / size['Minyi']:8.1f}"
            f"{time[name]:10.2f}{time[name] / time['Minyi']:8.1f}   {runs}"
        )
    fine = size["Minyi"] <= LIMIT_BYTES
    if "SurveyJS" in time:
        fine = fine and time["Minyi"] <= LIMIT_RATIO * time["SurveyJS"]
    print("within the limits" if fine else "ABOVE A LIMIT: 60 kB, or a third of SurveyJS's time")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
