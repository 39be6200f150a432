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


def falling_keys(misaligned):
    def make(folder):
        falling = key_values(ROWS)[::-1]
        for name in "abc":
            own = falling[::-1] if misaligned and name == "b" else falling
            write(folder, name, table(name, pa.array(own).cast(pa.timestamp("us"))))

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
    "falling-keys": falling_keys(misaligned=False),
    "falling-keys-misaligned": falling_keys(misaligned=True),
}


def main():
    for name, make in CASES.items():
        folder = Path(sys.argv[1]) / name
        folder.mkdir(parents=True)
        make(folder)
    json.dump(list(CASES), sys.stdout)


if __name__ == "__main__":
    main()
