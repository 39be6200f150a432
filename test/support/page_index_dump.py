"""What the page indexes of Parquet files say, and what lies where they point to, with no Parquet library.

    page_index_dump.py FILE...    {FILE: {COLUMN: [{pages: [[OFFSET, LENGTH, FIRST_ROW]], wrong, bounds, others}, one a row group]}}

Offsets count from the first byte of the column chunk. `wrong`: pages at which no page header of this length begins, or, in a column that is
not nested, other rows. `bounds`: the column index as hex, or null. `others`: the offset index without its pages. Null where there is none.
"""

import json
import sys

from footer_dump import Compact, plain, read_footer


def page_rows(data, at):
    """Bytes that the page at `at` takes, header included, and its values."""
    compact = Compact(data)
    compact.at = at
    header = compact.struct()
    own = header.get(5) or header.get(8) or {}
    return compact.at - at + header[3], own.get(1)


def describe_chunk(data, chunk, rows):
    if 4 not in chunk:
        return None
    meta = chunk[3]
    start = min(offset for offset in (meta[9], meta.get(11, 0)) if offset > 0)
    offsets = Compact(data[chunk[4] : chunk[4] + chunk[5]]).struct()
    pages = [[page[1], page[2], page[3]] for page in offsets[1]]
    wrong = []
    for position, (at, length, first) in enumerate(pages):
        following = pages[position + 1][2] if position + 1 < len(pages) else rows
        found, values = page_rows(data, at)
        if found != length or (len(meta[3]) == 1 and values != following - first):
            wrong.append([at, length, first, found, values])
    return {
        "pages": [[at - start, length, first] for at, length, first in pages],
        "wrong": wrong,
        "bounds": data[chunk[6] : chunk[6] + chunk[7]].hex() if 6 in chunk else None,
        "others": plain({k: v for k, v in offsets.items() if k != 1}),
    }


def describe(path):
    footer = read_footer(path)
    with open(path, "rb") as file:
        data = file.read()
    columns = {}
    for group in footer[4]:
        for chunk in group[1]:
            name = b".".join(chunk[3][3]).decode()
            columns.setdefault(name, []).append(describe_chunk(data, chunk, group[3]))
    return columns


if __name__ == "__main__":
    json.dump({path: describe(path) for path in sys.argv[1:]}, sys.stdout)
