"""Runs test vectors of WeChat's cryptography against `survey.wechat.signature`.

`python -m tests.wechat_vectors FILE` takes any file in the format of tests/vectors/wechat/vectors.json.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from survey.wechat import signature
from survey.wechat.push import ParseError, parse_push, read_xml

Vector = dict[str, Any]

VECTOR_FOLDER = Path(__file__).parent.parent / "vectors" / "wechat"

# The names that vector files use (wechatpy's) for our refusals.
ERRORS: dict[str, type[signature.SignatureError]] = {
    "InvalidSignatureException": signature.InvalidSignature,
    "InvalidAppIdException": signature.InvalidAppId,
    "InvalidCorpIdException": signature.InvalidAppId,
    "InvalidSignature": signature.InvalidSignature,
    "InvalidAppId": signature.InvalidAppId,
    "Undecryptable": signature.Undecryptable,
}


class Unsupported(Exception):
    """The vector asks for something this runner does not know."""


@dataclass(frozen=True)
class Outcome:
    """What became of one vector: `status` is passed, failed or unsupported."""

    id: str
    status: str
    detail: str = ""


def _receiver(vector: Vector) -> str:
    for name in ("appid", "app_id", "corp_id", "corpid", "receiveid", "receive_id"):
        if name in vector:
            return vector[name]
    raise Unsupported("no appid or corp_id")


def _sealed(vector: Vector) -> str:
    for name in ("encrypt", "encrypted", "echostr"):
        if name in vector:
            return vector[name]
    raise Unsupported("no encrypted text")


def _expect(actual: Any, expected: Any, what: str) -> None:
    if actual != expected:
        raise AssertionError(f"{what}: got {actual!r}, expected {expected!r}")


def _expect_fields(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        _expect(actual.get(name), value, name)


def _decrypt(vector: Vector) -> str:
    return signature.decrypt_message(
        _sealed(vector),
        token=vector["token"],
        aes_key=signature.decode_aes_key(vector["encoding_aes_key"]),
        receiver_id=_receiver(vector),
        timestamp=str(vector["timestamp"]),
        nonce=str(vector["nonce"]),
        msg_signature=vector["msg_signature"],
    )


def message_decrypts(vector: Vector) -> None:
    plain = _decrypt(vector)
    compared = False
    for name in ("expect_plain", "expect_echostr", "expect", "plain"):
        if name in vector:
            _expect(plain, vector[name], name)
            compared = True
    if "expect_fields" in vector:
        _expect_fields(_fields_of(plain), vector["expect_fields"])
        compared = True
    if not compared:
        raise Unsupported("the vector expects nothing")


def _fields_of(plain: str) -> dict[str, Any]:
    return json.loads(plain) if plain.lstrip().startswith("{") else read_xml(plain.encode())


def decryption_is_refused(vector: Vector) -> None:
    expected = ERRORS.get(vector["expect_error"])
    if expected is None:
        raise Unsupported(f"error {vector['expect_error']}")
    try:
        _decrypt(vector)
    except signature.SignatureError as refusal:
        _expect(type(refusal), expected, "error")
        return
    raise AssertionError(f"it was accepted; expected {vector['expect_error']}")


def message_encrypts(vector: Vector) -> None:
    key, receiver = signature.decode_aes_key(vector["encoding_aes_key"]), _receiver(vector)
    sealed = signature.seal_message(
        vector["plain"], aes_key=key, receiver_id=receiver, random16=vector["random16"].encode()
    )
    _expect(sealed, vector["expect_b64"], "ciphertext")
    _expect(signature.open_message(sealed, aes_key=key, receiver_id=receiver), vector["plain"], "round trip")


def server_signature_holds(vector: Vector) -> None:
    fields = {"token": vector["token"], "timestamp": str(vector["timestamp"]), "nonce": str(vector["nonce"])}
    signature.check_server_signature(**fields, signature=vector["signature"])
    altered = ("0" if vector["signature"][0] != "0" else "1") + vector["signature"][1:]
    try:
        signature.check_server_signature(**fields, signature=altered)
    except signature.InvalidSignature:
        return
    raise AssertionError("an altered signature was accepted")


def jssdk_signature_holds(vector: Vector) -> None:
    signed = signature.jssdk_signature(
        ticket=vector["jsapi_ticket"],
        noncestr=vector["noncestr"],
        timestamp=vector["timestamp"],
        url=vector["url"],
    )
    _expect(signed, vector["signature"], "signature")


def server_signature_is_refused(vector: Vector) -> None:
    fields = {"token": vector["token"], "timestamp": str(vector["timestamp"]), "nonce": str(vector["nonce"])}
    try:
        signature.check_server_signature(**fields, signature=vector["signature"])
    except signature.InvalidSignature:
        return
    raise AssertionError("it was accepted")


def message_signature_holds(vector: Vector) -> None:
    signed = signature.message_signature(
        vector["token"], str(vector["timestamp"]), str(vector["nonce"]), _sealed(vector)
    )
    for name in ("msg_signature", "signature"):
        if name in vector:
            return _expect(signed, vector[name], name)
    raise Unsupported("no msg_signature")


def push_is_read(vector: Vector) -> None:
    _expect_fields(parse_push(_body(vector)), vector["expect_fields"])


def push_is_refused(vector: Vector) -> None:
    try:
        parse_push(_body(vector))
    except ParseError:
        return
    raise AssertionError("it was accepted")


def _body(vector: Vector) -> bytes:
    for name in ("xml", "body", "json", "plain"):
        if name in vector:
            given = vector[name]
            return (given if isinstance(given, str) else json.dumps(given)).encode()
    raise Unsupported("no body")


def miniapp_signature_holds(vector: Vector) -> None:
    signed = signature.rawdata_signature(vector["raw_data"], vector["session_key"])
    _expect(signed, vector["signature"], "signature")


def miniapp_data_decrypts(vector: Vector) -> None:
    data = signature.decrypt_miniapp_data(
        vector["encrypted_data"], session_key=vector["session_key"], iv=vector["iv"], app_id=vector["appid"]
    )
    _expect_fields(data, vector["expect_fields"])


CHECKS: dict[str, Callable[[Vector], None]] = {
    "mp_msg_decrypt": message_decrypts,
    "mp_msg_decrypt_error": decryption_is_refused,
    "mp_aes_encrypt": message_encrypts,
    "mp_msg_encrypt": message_encrypts,
    "mp_msg_signature": message_signature_holds,
    "mp_push": push_is_read,
    "mp_push_error": push_is_refused,
    "mp_message": push_is_read,
    "mp_event": push_is_read,
    "server_signature": server_signature_holds,
    "server_signature_error": server_signature_is_refused,
    "jssdk_signature": jssdk_signature_holds,
    "wxa_signature": miniapp_signature_holds,
    "wxa_decrypt": miniapp_data_decrypts,
    # 企业微信 seals with the same cipher; only the id at the end is the corp id.
    "work_msg_decrypt": message_decrypts,
    "work_msg_decrypt_error": decryption_is_refused,
    "work_verify_url": message_decrypts,
    "work_verify_url_error": decryption_is_refused,
    "work_msg_signature": message_signature_holds,
    "work_aes_encrypt": message_encrypts,
}


def known_vectors() -> dict[str, Vector]:
    """Every vector of tests/vectors/wechat by id: a file may name one of them as its base."""
    known: dict[str, Vector] = {}
    for path in sorted(VECTOR_FOLDER.glob("*.json")):
        known.update({vector["id"]: vector for vector in read_vectors(path)})
    return known


def read_vectors(path: Path) -> list[Vector]:
    """The vectors of one file, in its order."""
    return json.loads(path.read_text(encoding="utf-8"))["vectors"]


def run_vector(vector: Vector, bases: dict[str, Vector]) -> Outcome:
    """Run one vector; `bases` holds those it may build on."""
    check = CHECKS.get(vector.get("kind", ""))
    if check is None:
        return Outcome(vector["id"], "unsupported", f"kind {vector.get('kind')}")
    if "base" in vector:
        if vector["base"] not in bases:
            return Outcome(vector["id"], "unsupported", f"base {vector['base']} is not known")
        vector = {**bases[vector["base"]], **vector, **vector.get("override", {})}
    try:
        check(vector)
    except Unsupported as reason:
        return Outcome(vector["id"], "unsupported", str(reason))
    except KeyError as missing:
        return Outcome(vector["id"], "unsupported", f"field {missing} is missing")
    except Exception as failure:
        return Outcome(vector["id"], "failed", f"{type(failure).__name__}: {failure}")
    return Outcome(vector["id"], "passed")


def run_file(path: Path) -> list[Outcome]:
    """Run every vector of a file."""
    vectors = read_vectors(path)
    bases = {**known_vectors(), **{vector["id"]: vector for vector in vectors}}
    return [run_vector(vector, bases) for vector in vectors]
