"""Makes folders of checkpoints that are unusual and right: DIR/CASE/{a,b,c}.parquet. Prints JSON: [CASE...]."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from broken_checkpoints import B, KEY, ROWS, table, write
from data_columns import key_values

NAMES = ["a.b", "a", "A", "with space", 'quo"te', "it's", "日本語", "🙂", "tab\there", "", "x" * 2000, "$1", "__key", "position"]
KEYS = {
    "integers": lambda i: pa.array(i * 3 - 700),
    "unsigned": lambda i: pa.array(np.uint64(2**63 - ROWS) + i.astype(np.uint64)),
    "dates": lambda i: pa.array(i.astype(np.int32) - 20000).cast(pa.date32()),
    "strings": lambda i: pa.array([f"k{n:05}é" for n in i]),
    "nanoseconds": lambda i: pa.array(1_700_000_000_000_000_001 + i * 7).cast(pa.timestamp("ns")),
    "falling": lambda i: pa.array(key_values(ROWS)[::-1][i]).cast(pa.timestamp("us")),
}


def all_three(folder):
    for name in "abc":
        write(folder, name)


def empty_row_group(folder):
    all_three(folder)
    with pq.ParquetWriter(folder / B, table("b").schema) as writer:
        for part in (table("b").slice(0, 200), table("b").slice(0, 0), table("b").slice(200)):
            writer.write_table(part)


def names(folder):
    all_three(folder)
    write(folder, "b", table("b", **{name: np.arange(ROWS) + i for i, name in enumerate(NAMES)}))


def key_only(folder):
    all_three(folder)
    write(folder, "b", table("b").select([KEY]))


def one_row(folder):
    for name in "abc":
        write(folder, name, table(name).slice(0, 1))


def one_file(folder):
    write(folder, "a")


def key_kind(make_key, misaligned):
    def make(folder):
        index = np.arange(ROWS)
        for name in "abc":
            own = index[::-1] if misaligned and name == "b" else index
            write(folder, name, table(name, make_key(own)))

    return make


def no_common_key(folder):
    all_three(folder)
    late = key_values(ROWS) + 10**15
    write(folder, "b", table("b", pa.array(late).cast(pa.timestamp("us", "UTC"))))


CASES = {
    "empty-row-group": empty_row_group,
    "names": names,
    "key-only": key_only,
    "one-row": one_row,
    "one-file": one_file,
    "no-common-key": no_common_key,
}
for kind, make_key in KEYS.items():
    CASES[f"{kind}-as-key"] = key_kind(make_key, misaligned=False)
    CASES[f"{kind}-as-key-misaligned"] = key_kind(make_key, misaligned=True)


def main():
    for name, make in CASES.items():
        folder = Path(sys.argv[1]) / name
        folder.mkdir(parents=True)
        make(folder)
    json.dump(list(CASES), sys.stdout)


if __name__ == "__main__":
    main()
