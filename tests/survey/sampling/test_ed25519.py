"""The verifier's own Ed25519 against the vectors of RFC 8032 and against the cryptography library."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from survey.sampling.verify_draw import ORDER, P, ed25519_valid, read_point, write_point

# RFC 8032, section 7.1: TEST 1, TEST 2, TEST 3 and TEST SHA(abc): public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
        "3dca179c138ac17ad9bef1177331a704",
    ),
]


def test_the_vectors_of_rfc_8032():
    for key, message, signature in VECTORS:
        assert ed25519_valid(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))


def library_says(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@settings(max_examples=25, deadline=None)
@given(
    seed=st.binary(min_size=32, max_size=32),
    message=st.binary(max_size=300),
    place=st.integers(0, 63),
    change=st.integers(1, 255),
)
def test_it_agrees_with_the_library_on_true_and_altered_signatures(seed, message, place, change):
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key, signature = private.public_key().public_bytes_raw(), private.sign(message)
    altered = signature[:place] + bytes([signature[place] ^ change]) + signature[place + 1 :]
    other_key = key[: place % 32] + bytes([key[place % 32] ^ change]) + key[place % 32 + 1 :]
    assert ed25519_valid(key, message, signature)
    for args in ((key, message, altered), (key, message + b"x", signature), (other_key, message, signature)):
        assert ed25519_valid(*args) is library_says(*args) is False


def test_a_signature_has_one_form_only():
    """s + L signs the same for a careless verifier (RFC 8032, section 8.4: malleability)."""
    key, message, signature = (bytes.fromhex(text) for text in VECTORS[1])
    s = int.from_bytes(signature[32:], "little") + ORDER
    assert not ed25519_valid(key, message, signature[:32] + s.to_bytes(32, "little"))
    for wrong in (b"", signature[:-1], signature + b"\x00"):
        assert not ed25519_valid(key, message, wrong)
    assert not ed25519_valid(P.to_bytes(32, "little"), message, signature)
    assert not ed25519_valid(key[:-1], message, signature)


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_points_are_written_as_they_were_read(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    assert write_point(read_point(key)) == key
