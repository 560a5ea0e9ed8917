"""What a resident is told before the first question: a text to start from, and what it must hold. Pure.

The parts follow PIPL article 17 (who, why, what, how long, rights, in plain words) and the statistics law's
header fields (docs/privacy.md); pages reached by a letter's code are confidential, never anonymous.
"""

import json
from collections.abc import Mapping
from pathlib import Path

LANGUAGES = ("zh-hans", "zh-hant", "en")
PARTS = ("lead", "who", "why", "kept", "how_long", "rights", "voluntary", "full")

_TEXTS: dict[str, dict[str, str]] = json.loads(
    Path(__file__).with_name("data").joinpath("consent.json").read_text(encoding="utf-8")
)


def draft_consent_texts(
    *,
    sponsor: str,
    purpose: str,
    phone: str,
    min_age: int = 18,
    form_number: str = "",
    approving_body: str = "",
    approval_number: str = "",
    approval_valid_until: str = "",
) -> dict[str, dict[str, str]]:
    """A text to start from, in three languages, filled with the study's facts."""
    header = "，".join(
        f"{name} {value}"
        for name, value in (
            ("表号", form_number),
            ("制定机关", approving_body),
            ("批准（备案）文号", approval_number),
            ("有效期至", approval_valid_until),
        )
        if value
    )
    return {
        language: {
            part: texts[part]
            .format(
                sponsor=sponsor,
                purpose=purpose.rstrip("。.") or purpose,
                phone=phone,
                age=min_age,
                until=texts["until"],
                form=f"{header}。" if header else "",
            )
            .strip()
            for part in PARTS
        }
        for language, texts in _TEXTS.items()
    }


def missing_parts(texts: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Parts without which a consent text must not be published, as "language.part"."""
    return [
        f"{language}.{part}"
        for language in texts
        for part in PARTS
        if not str(texts[language].get(part, "")).strip()
    ] or ([] if "zh-hans" in texts else ["zh-hans"])
