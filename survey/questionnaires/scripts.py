"""Which scripts draw a questionnaire: the few that every page needs, and those of types that this one has."""

from survey.questionnaires.document import Document, block_items

FOLDER = "questionnaires"
# Script → what must be in the document for it to be loaded; None: always. In the order of loading.
SCRIPTS: dict[str, str | None] = {
    "expressions.js": None,
    "logic.js": None,
    "ordering.js": None,
    "words.js": None,
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
}


def parts_of(document: Document) -> set[str]:
    """What a document uses: its item types, "matrix", "repeat", and "file" where something is uploaded."""
    used = {item["type"] for block in document["blocks"] for item in block_items(block)}
    used |= {"repeat" for block in document["blocks"] if "repeat" in block}
    if document.get("matrices"):
        used.add("matrix")
    if used & {"photo", "signature"}:
        used.add("file")
    return used


def scripts_for(document: Document) -> list[str]:
    """Static paths of the scripts that the page of this document loads, in order."""
    used = parts_of(document)
    return [f"{FOLDER}/{name}" for name, part in SCRIPTS.items() if part is None or part in used]
