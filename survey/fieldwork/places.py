"""Where a visit was recorded: sealed, for it leads to a household."""

import json
import uuid

from survey.common.crypto import decrypt, encrypt
from survey.fieldwork.models import VisitPlace

PURPOSE = "fieldwork.place"


def store_place(*, contact_id: uuid.UUID, lat: float, lng: float, accuracy_m: float | None) -> VisitPlace:
    """Keep the phone's position at a contact (WGS 84 degrees). Runs inside the caller's transaction."""
    sealed = encrypt(json.dumps({"lat": lat, "lng": lng}), PURPOSE)
    return VisitPlace.objects.create(contact_id=contact_id, place_cipher=sealed, accuracy_m=accuracy_m)


def position_of(place: VisitPlace) -> tuple[float, float]:
    """(latitude, longitude) in degrees."""
    read = json.loads(decrypt(place.place_cipher, PURPOSE))
    return read["lat"], read["lng"]
