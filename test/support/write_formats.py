"""Writes the files of format_lines.py: DIR/NUMBER/{aligned,misaligned}/{a,b...}.parquet.

`a` is a plain file of pyarrow, `b` the one that the line is about. Misaligned, b has fewer rows, in another order; where the line is
about keys, a has not all of them either, so that no file has the keys of the output. Prints JSON: [{section, name, dir}].
"""

import json
import sys
from pathlib import Path

import pyarrow as pa

from format_lines import INDEX, KEY, LINES, arrow


def integers(index):
    return pa.array(index * 3 - index % 2 - 700)


def write_line(line, folder):
    index = INDEX[: line.rows]
    some, others = index[: line.rows - line.rows // 10], index[line.rows // 10 :][::-1]
    key, about_keys = line.key or integers, line.key is not None
    values = pa.table(line.columns())
    for way in ("aligned", "misaligned"):
        whole = way == "aligned"
        (folder / way).mkdir(parents=True)
        rows = index if whole or not about_keys else some
        first = pa.table({KEY: key(rows), "a": rows})
        (line.writers[0] if about_keys else arrow())(first, folder / way / "a.parquet")
        rows = index if whole else others
        table = values.take(pa.array(rows)).add_column(1, KEY, (line.key_of_b or key)(rows))
        for number, write in enumerate(line.writers):
            names = [name if name == KEY or number == 0 else f"{name}_{number}" for name in table.column_names]
            content = table if number == 0 else table.rename_columns(names)
            write(content, folder / way / f"{chr(ord('b') + number)}.parquet")


def main():
    written = []
    for number, line in enumerate(LINES):
        folder = Path(sys.argv[1]) / str(number)
        write_line(line, folder)
        written.append({"section": line.section, "name": line.name, "dir": str(folder)})
    json.dump(written, sys.stdout)


if __name__ == "__main__":
    main()
