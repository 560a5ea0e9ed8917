"""Prepares letters: codes, pages, files and the contact of each household, part by part."""

import base64
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from survey.audit.services import Actor, record
from survey.common import pdf
from survey.common.clock import now
from survey.common.crypto import decrypt, encrypt
from survey.common.errors import Problem
from survey.contacts import sheet_page
from survey.contacts.letter_page import Letter, render, strings_of
from survey.contacts.models import Contact, LetterBatch
from survey.contacts.queries import address_of, cases_for_letters, place_of
from survey.contacts.services.household_codes import Issued, new_codes, store_codes
from survey.jobs.models import Job
from survey.sampling.models import Case
from survey.sampling.services import household_proof
from survey.studies.models import Round

# A part is compiled in one go: about 8 ms and 1 MB of memory a letter.
LETTERS_PER_PART = 250
FILE_PURPOSE = "contacts.letters"
_CONTACT_NAMESPACE = uuid.UUID("6a6f0f0e-6f0b-4c0e-9a52-0d6a3a1d5b11")


class Teller(Protocol):
    """Anything with a job's voice: see survey.jobs.services.Progress."""

    def say(self, fraction: float, message: str) -> None: ...


def prepare_letters(
    *,
    round: Round,
    acting_user: Actor,
    progress: Teller | None = None,
    step: str = "letter",
    case_ids: Iterable[int] | None = None,
    language: str = "zh-hans",
    skip_unprintable: bool = False,
    as_sheet: bool = False,
    job: Job | None = None,
    deliver: Callable[[list[Issued]], None] | None = None,
) -> LetterBatch:
    """Print a letter for each household that waits for one (`queries.cases_for_letters`).

    Each part of up to 250 letters is one transaction: the codes' hashes, the contacts, the encrypted PDF.
    A job that died and runs again goes on after its last whole part and prints nobody twice.

    Parameters
    ----------
    step : of the contact plan, e.g. "letter" or "reminder". A later step replaces the earlier codes.
    case_ids : only these, again if need be (a reprint).
    skip_unprintable : leave out households whose address no font draws, and list them in the batch,
        instead of refusing before anything is printed.
    as_sheet : eight codes on an A4 page to cut out, instead of a letter each.
    deliver : called after each part with its (case, QR secret, typed code): the demo's residents read their
        letters this way. Codes exist nowhere else in the clear but on the pages.

    Raises
    ------
    Problem reports.font : an address or the study's words hold characters that no font draws.
    Problem common.invalid : nobody waits for a letter, or the words do not fit a page.
    Problem contacts.closed : the round's field period is over.
    """
    if round.state == Round.State.CLOSED:
        raise Problem("contacts.closed")
    batch = LetterBatch.objects.filter(job=job).first() if job else None
    waiting = _waiting(round, step, case_ids, batch)
    if not waiting and batch is None:
        raise Problem("common.invalid", reason=_("没有要寄信的户：该寄的都寄过了，或者还没有抽样"))
    unprintable = _check_fonts(round, waiting, language=language, skip=skip_unprintable)
    if batch is None:
        batch = _open_batch(round, step, job, unprintable, acting_user)
    left_out = {entry["case"] for entry in unprintable}
    printable = {case: letter for case, letter in waiting.items() if case.number not in left_out}
    press = _Press(_render_sheet if as_sheet else render, language, acting_user, progress, deliver)
    press.print_all(batch, printable)
    return batch


def _waiting(
    round: Round, step: str, case_ids: Iterable[int] | None, batch: LetterBatch | None
) -> dict[Case, Letter]:
    """The households to write to, each with its letter; without those that `batch` has printed already."""
    cases = cases_for_letters(round, step=step, case_ids=None if case_ids is None else list(case_ids))
    if batch is not None:
        cases = cases.exclude(codes__batch=batch)
    return {case: _letter(case) for case in cases}


def _letter(case: Case) -> Letter:
    return Letter(
        number=case.number,
        place=place_of(case.community),
        address=address_of(case),
        proof=household_proof(frame_unit=case.frame_unit),
    )


def _check_fonts(
    round: Round, waiting: dict[Case, Letter], *, language: str, skip: bool
) -> list[dict[str, str]]:
    """Households whose letter cannot be drawn; refuses first when the common words cannot."""
    common = pdf.undrawable(strings_of(round, [], language=language), language=language)
    if common:
        raise Problem("reports.font", characters=_distinct(common.values()))
    found = []
    for case, letter in waiting.items():
        missing = pdf.undrawable([letter.place, letter.address, letter.number], language=language)
        if missing:
            found.append({"case": case.number, "characters": _distinct(missing.values())})
    if found and not skip:
        errors = [
            {"item": entry["case"], "reason": _("画不出：%(c)s") % {"c": entry["characters"]}}
            for entry in found
        ]
        raise Problem(
            "reports.font", errors=errors, characters=_distinct(entry["characters"] for entry in found)
        )
    return found


def _distinct(texts: Iterable[str]) -> str:
    return "".join(dict.fromkeys("".join(texts)))


@transaction.atomic
def _open_batch(
    round: Round, step: str, job: Job | None, unprintable: list[dict[str, str]], acting_user: Actor
) -> LetterBatch:
    batch = LetterBatch.objects.create(
        round=round, step=step, job=job, unprintable=unprintable, created_by_id=acting_user.pk or None
    )
    batch.file = f"letters/{batch.pk}"
    batch.save(update_fields=["file"])
    record(
        action="contacts.letters.started",
        acting_user=acting_user,
        target=batch,
        region_code=round.study.region.code,
        detail={"step": step, "unprintable": len(unprintable)},
    )
    return batch


@dataclass(frozen=True)
class _Press:
    """How the letters of a run are printed, and who is told of it."""

    page: Callable[..., bytes]
    language: str
    acting_user: Actor
    progress: Teller | None
    deliver: Callable[[list[Issued]], None] | None

    def print_all(self, batch: LetterBatch, waiting: dict[Case, Letter]) -> None:
        """Part by part, each stored before the next begins."""
        cases = list(waiting)
        for start in range(0, len(cases), LETTERS_PER_PART):
            if self.progress:
                message = _("信 %(done)s / %(all)s 封") % {"done": start, "all": len(cases)}
                self.progress.say(start / len(cases), message)
            issued = new_codes(cases[start : start + LETTERS_PER_PART])
            self._print_part(batch, issued, waiting)
            if self.deliver:
                self.deliver(issued)

    def _print_part(self, batch: LetterBatch, issued: list[Issued], waiting: dict[Case, Letter]) -> None:
        """Compile one part, then store everything that makes it true together."""
        letters = [replace(waiting[case], qr=qr, typed=typed) for case, qr, typed in issued]
        document = self.page(batch.round, letters, public_url=settings.PUBLIC_URL, language=self.language)
        with transaction.atomic():
            store_codes(issued=issued, batch=batch, acting_user=self.acting_user)
            _store_contacts(batch, issued, self.acting_user)
            batch.n_letters += len(issued)
            batch.n_parts += 1
            batch.save(update_fields=["n_letters", "n_parts"])
            record(
                action="contacts.letters.printed",
                acting_user=self.acting_user,
                target=batch,
                region_code=batch.round.study.region.code,
                detail={"part": batch.n_parts, "n_letters": len(issued)},
            )
            # Last, so that a failed write undoes the rest. A file of a transaction that then fails is not
            # counted in n_parts, and the next run writes over it.
            _write(batch, batch.n_parts, document)


def _store_contacts(batch: LetterBatch, issued: list[Issued], acting_user: Actor) -> None:
    """That each household was written to, once."""
    moment = now()
    Contact.objects.bulk_create(
        Contact(
            id=uuid.uuid5(_CONTACT_NAMESPACE, f"{batch.pk}|{case.pk}"),
            case=case,
            mode=Contact.Mode.LETTER,
            at=moment,
            detail={"step": batch.step, "batch": batch.pk},
            by_user_id=acting_user.pk or None,
        )
        for case, _qr, _typed in issued
    )


def _render_sheet(round: Round, letters: list[Letter], *, public_url: str, language: str) -> bytes:
    cells = sheet_page.household_cells(round, letters, public_url=public_url, language=language)
    return sheet_page.render(round, cells, language=language)


def _path(batch: LetterBatch, part: int) -> Path:
    return Path(settings.MEDIA_ROOT) / "letters" / str(batch.pk) / f"part-{part:03d}.pdf.sealed"


def _write(batch: LetterBatch, part: int, document: bytes) -> None:
    """Sealed like any contact data: the file holds addresses and codes in the clear."""
    path = _path(batch, part)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_bytes(encrypt(base64.b64encode(document).decode(), FILE_PURPOSE))


def open_letters(*, batch: LetterBatch, part: int, acting_user: Actor) -> bytes:
    """One part's PDF for printing; who took it is recorded.

    Raises
    ------
    Problem common.not_found : no such part, or the files were removed after printing.
    """
    path = _path(batch, part)
    if not 1 <= part <= batch.n_parts or not batch.file or not path.is_file():
        raise Problem("common.not_found")
    with transaction.atomic():
        record(
            action="contacts.letters.downloaded",
            acting_user=acting_user,
            target=batch,
            region_code=batch.round.study.region.code,
            detail={"part": part},
        )
    return base64.b64decode(decrypt(path.read_bytes(), FILE_PURPOSE))


def remove_letters(*, batch: LetterBatch, acting_user: Actor) -> None:
    """Destroy a batch's files once they are printed; codes and contacts stay."""
    with transaction.atomic():
        LetterBatch.objects.filter(pk=batch.pk).update(file="")
        record(
            action="contacts.letters.removed",
            acting_user=acting_user,
            target=batch,
            region_code=batch.round.study.region.code,
        )
    batch.file = ""
    for part in range(1, batch.n_parts + 1):
        _path(batch, part).unlink(missing_ok=True)
