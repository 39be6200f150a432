"""Makes folders of checkpoints that must be refused: DIR/CASE/{a,b,c}.parquet, of which `b` is the broken one.

    broken_checkpoints.py DIR [CASE...]     prints JSON {CASE: {file?, column?, says: [words of the message]}}
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_columns import key_values

ROWS = 500
KEY = "interval_time"
ZONED = pa.timestamp("us", "UTC")


def table(name, key=None, **extra):
    key = pa.array(key_values(ROWS)).cast(ZONED) if key is None else key
    walk = np.random.default_rng(len(name)).normal(size=len(key))
    return pa.table({KEY: key, f"{name}_x": walk, f"{name}_y": np.arange(len(key))} | extra)


def write(folder, name, content=None):
    pq.write_table(table(name) if content is None else content, folder / f"{name}.parquet")


def whole(folder):
    for name in "abc":
        write(folder, name)
    return folder / "b.parquet"


def with_bytes(change):
    def make(folder):
        path = whole(folder)
        path.write_bytes(change(path.read_bytes()))

    return make


def with_table(make_table):
    def make(folder):
        whole(folder)
        write(folder, "b", make_table())

    return make


def with_key(change):
    """b's key values (microseconds, numpy) changed into another array."""
    return with_table(lambda: table("b", change(key_values(ROWS))))


def footer_size(data):
    return int.from_bytes(data[-8:-4], "little")


def garbage_footer(data):
    size = footer_size(data)
    noise = np.random.default_rng(1).bytes(size)
    return data[: -8 - size] + noise + data[-8:]


def hole(data):
    """The middle is lost and the end is there, as after an interrupted copy that was resumed wrongly."""
    return data[:1000] + data[-8 - footer_size(data) :]


def nulls_in_key():
    return table("b", pa.array(key_values(ROWS), mask=np.arange(ROWS) == 123).cast(ZONED))


def twice_in_key(values):
    values[200] = values[100]
    return pa.array(values).cast(ZONED)


def same_column(folder):
    whole(folder)
    write(folder, "b", table("b", a_x=np.arange(ROWS)))


def twice_everywhere(folder):
    for name in "abc":
        write(folder, name, table(name, twice_in_key(key_values(ROWS))))


def column_named_twice():
    plain = table("b")
    return pa.Table.from_arrays(plain.columns + [plain["b_y"]], names=plain.column_names + ["b_x"])


def renamed_key():
    return table("b").rename_columns([KEY.upper(), "b_x", "b_y"])


B = "b.parquet"

# Name: (maker, file of the failure, column of the failure, words in its message).
CASES = {
    "no-files": (lambda folder: None, None, None, []),
    "not-parquet": (with_bytes(lambda _: b"time,price\n2024-01-01,1.1\n" * 100), B, None, []),
    "empty-file": (with_bytes(lambda _: b""), B, None, []),
    "seven-bytes": (with_bytes(lambda _: b"PAR1PAR"), B, None, []),
    "magic-only": (with_bytes(lambda _: b"PAR1\x00\x00\x00\x00PAR1"), B, None, []),
    "truncated": (with_bytes(lambda data: data[: len(data) * 2 // 3]), B, None, []),
    "hole": (with_bytes(hole), B, None, []),
    "garbage-footer": (with_bytes(garbage_footer), B, None, []),
    "footer-too-long": (with_bytes(lambda data: data[:-8] + b"\xff\xff\xff\x7fPAR1"), B, None, []),
    "zero-rows": (with_table(lambda: table("b").slice(0, 0)), B, None, ["0 rows"]),
    "no-key": (with_table(lambda: table("b").drop_columns([KEY])), B, KEY, []),
    "key-in-other-case": (with_table(renamed_key), B, KEY, []),
    "key-strings": (with_key(lambda v: pa.array(v.astype(str))), B, KEY, []),
    "key-integers": (with_key(pa.array), B, KEY, []),
    "key-dates": (with_key(lambda v: pa.array(np.arange(len(v), dtype=np.int32)).cast(pa.date32())), B, KEY, []),
    "key-without-zone": (with_key(lambda v: pa.array(v).cast(pa.timestamp("us"))), B, KEY, ["zone"]),
    "key-floats": (with_key(lambda v: pa.array(v.astype(float))), B, KEY, []),
    "key-null": (with_table(nulls_in_key), B, KEY, ["null"]),
    "key-twice": (with_key(twice_in_key), B, KEY, ["2024-01-01"]),
    "key-twice-everywhere": (twice_everywhere, "a.parquet", KEY, ["2024-01-01"]),
    "same-column": (same_column, B, "a_x", ["a.parquet"]),
    "column-named-twice": (with_table(column_named_twice), B, "b_x", []),
}


def main():
    root, *names = sys.argv[1:]
    described = {}
    for name in names or CASES:
        make, file, column, says = CASES[name]
        folder = Path(root) / name
        folder.mkdir(parents=True)
        make(folder)
        described[name] = {"file": file, "column": column, "says": says}
    json.dump(described, sys.stdout)


if __name__ == "__main__":
    main()
