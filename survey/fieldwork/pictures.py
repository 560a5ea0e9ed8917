"""A fingerprint of a picture that stays nearly the same when it is taken again, cut or pressed harder."""

import io

from PIL import Image

SIDE = 8


def fingerprint(content: bytes) -> int:
    """Difference hash: 64 bits, each saying whether a grey square is darker than its right neighbour.

    The picture is shrunk to 9 × 8 squares, so that size, colour and compression hardly matter (Krawetz 2013,
    "Kind of Like That", hackerfactor.com). A picture of one colour gives 0, which stands for none.
    """
    with Image.open(io.BytesIO(content)) as picture:
        grey = picture.convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BILINEAR)
    shades = grey.tobytes()
    bits = 0
    for row in range(SIDE):
        line = shades[row * (SIDE + 1) : (row + 1) * (SIDE + 1)]
        for left, right in zip(line, line[1:], strict=False):  # noqa: RUF007 (same length of every row)
            bits = bits << 1 | (left < right)
    return bits
