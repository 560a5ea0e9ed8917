"""Which scripts draw a questionnaire: the few that every page needs, and those of what this one has."""

from survey.questionnaires.document import Document, block_items

FOLDER = "questionnaires"
# Script → what must be in the document for it to be loaded; None: always. In the order of loading.
SCRIPTS: dict[str, str | None] = {
    "expressions.js": None,
    "logic.js": None,
    "ordering.js": "order",
    "words.js": None,
    "words_zh-hans.js": "zh-hans",
    "words_zh-hant.js": "zh-hant",
    "words_en.js": "en",
    "draft.js": None,
    "dom.js": None,
    "fields.js": None,
    "ranking.js": "ranking",
    "region.js": "region",
    "place.js": "place",
    "attachments.js": "file",
    "photo.js": "photo",
    "signature.js": "signature",
    "screens.js": None,
    "speech.js": None,
    "questions.js": None,
    "matrix.js": "matrix",
    "people.js": "repeat",
    "sync.js": None,
    "sending.js": None,
    "form.js": None,
    "mount.js": None,
}


def parts_of(document: Document) -> set[str]:
    """What a document uses: its item types, "matrix", "repeat", "order" where something is shuffled, "file"
    where something is uploaded (which needs the SHA-256 of ordering.js)."""
    items = [item for block in document["blocks"] for item in block_items(block)]
    matrices = document.get("matrices", {})
    used = {item["type"] for item in items}
    used |= {"repeat" for block in document["blocks"] if "repeat" in block}
    if matrices:
        used.add("matrix")
    if used & {"photo", "signature"}:
        used |= {"file", "order"}
    if any("order" in part for part in (*items, *document["blocks"], *matrices.values())):
        used.add("order")
    return used


def scripts_for(document: Document, languages: list[str]) -> list[str]:
    """Static paths of the scripts that the document's page loads, in order, with the words of `languages`."""
    used = parts_of(document) | set(languages)
    return [f"{FOLDER}/{name}" for name, part in SCRIPTS.items() if part is None or part in used]


def words_of(language: str) -> str:
    """Static path of the words that the page fetches when somebody asks for another language."""
    return f"{FOLDER}/words_{language}.js"
