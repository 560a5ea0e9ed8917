"""Makes the font that Minyi ships: Noto Sans CJK SC Regular cut down to what letters and reports print.

That is GB 2312, Big5, Latin-1, a few signs, and characters of places and given names that none of them has.
A machine without Chinese fonts still prints. Run it by hand when the set changes:

    pip install fonttools
    python survey/common/fonts/make_subset.py /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

The family is renamed, so that a complete Noto on the machine and this subset never get mixed up.
The licence (OFL.txt beside this file) allows subsets; only the name "Source" is reserved.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTCollection, TTFont

FAMILY = "Minyi Sans SC"
POSTSCRIPT = "MinyiSansSC-Regular"
OUTPUT = Path(__file__).with_name("MinyiSansSC-Regular.otf")
# Beside GB 2312: what reports print (plus-minus, minus, dashes, ticks, super- and subscripts) and Latin-1.
EXTRA = "−–—―…‘’“”•‰′″※€™≤≥≠≈→←↑↓■□▲△▼▽◆◇○●◎★☆✓✔⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉\u00a0\u2009\u3000"

# Characters of place names (with those of Jinan's communities) and given names outside GB 2312 and Big5.
RARE = "坔堃喆犇骉赟镕頔琎硚洣浉祎酂颋颙飏飐馃骎鲌鲯鸮鸻鹀鹮"


def gb2312() -> set[int]:
    """The code points of GB 2312-1980: rows 1 to 9 (symbols) and 16 to 87 (6,763 characters)."""
    points = set()
    for row in [*range(1, 10), *range(16, 88)]:
        for cell in range(1, 95):
            try:
                points.add(ord(bytes([0xA0 + row, 0xA0 + cell]).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return points


def big5() -> set[int]:
    """The 13,053 characters of Big5: names in Traditional Chinese, and most rare ones of place names."""
    points = set()
    for lead in range(0xA4, 0xFA):
        for trail in [*range(0x40, 0x7F), *range(0xA1, 0xFF)]:
            try:
                points.add(ord(bytes([lead, trail]).decode("big5")))
            except UnicodeDecodeError:
                continue
    return points


def wanted() -> set[int]:
    """Every code point the subset should hold, if the source font has it."""
    return (
        gb2312() | big5() | set(range(0x20, 0x7F)) | set(range(0xA0, 0x100)) | {ord(c) for c in EXTRA + RARE}
    )


def rename(font: TTFont) -> None:
    """Give the subset its own family name; keep copyright, version and licence records."""
    names = {1: FAMILY, 2: "Regular", 3: f"{POSTSCRIPT};subset", 4: f"{FAMILY} Regular", 6: POSTSCRIPT}
    table = font["name"]
    table.names = [
        r for r in table.names if r.nameID in (0, 5, 7, 8, 9, 11, 12, 13, 14) and r.platformID == 3
    ]
    for name_id, text in names.items():
        table.setName(text, name_id, 3, 1, 0x409)
    cff = font["CFF "].cff
    cff.fontNames = [POSTSCRIPT]
    top = cff.topDictIndex[0]
    top.FamilyName, top.FullName = FAMILY, f"{FAMILY} Regular"


def main(source: str) -> None:
    """Read the collection, cut it down, and write the subset beside this file."""
    font = next(f for f in TTCollection(source) if f["name"].getDebugName(4).startswith("Noto Sans CJK SC"))
    options = subset.Options()
    options.hinting = False
    options.desubroutinize = False
    options.layout_features = ["kern"]
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.drop_tables += ["vhea", "vmtx", "VORG", "BASE", "DSIG"]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted() & set(font.getBestCmap()))
    cutter.subset(font)
    rename(font)
    font.save(OUTPUT)
    print(f"{OUTPUT.name}: {len(font.getBestCmap())} characters, {OUTPUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
