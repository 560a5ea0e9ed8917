"""What a questionnaire says of an item: wording and answers, from the published document. Pure."""

from dataclasses import dataclass

from survey.questionnaires.document import (
    MISSING_CODES,
    Document,
    all_choices,
    item_index,
    missing_choices,
    text_in,
)

LANGUAGES = ("zh-hans", "zh-hant", "en")


@dataclass(frozen=True)
class Wording:
    """One item: text by language, substantive answers as shown, and the codes that are no opinion."""

    name: str
    texts: dict[str, str]
    choices: list[tuple[str, dict[str, str]]]
    missing: dict[str, str]  # code → dont_know, refused, …

    def entry(self) -> dict[str, object]:
        """What the document keeps of it."""
        return {
            "label": self.texts,
            "choices": [{"code": code, "label": label} for code, label in self.choices],
        }


def read_wording(document: Document, name: str) -> Wording | None:
    """The wording of one item; None when the questionnaire has no such item."""
    found = item_index(document).get(name)
    if found is None:
        return None
    item = found[1]
    missing = {str(c["code"]): c["missing"] for c in missing_choices(document, item)}
    missing |= {str(code): kind for kind, code in MISSING_CODES.items()}
    own = [(str(c["code"]), c["label"]) for c in all_choices(document, item) if not c.get("missing")]
    if not own and "from" in item and "to" in item:
        own = [(str(v), {"zh-hans": str(v)}) for v in range(item["from"], item["to"] + 1)]
    texts = {lang: text_in(item.get("label"), lang, document) for lang in LANGUAGES}
    return Wording(name, {k: v for k, v in texts.items() if v}, own, missing)
