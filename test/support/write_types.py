"""Writes the matrix of types whose statistics a merge could spoil, by three writers: DIR/{pyarrow,polars,duckdb}.parquet.
With --plain it leaves out what is stored as byte arrays of fixed length; with --common also decimals and times of the day.

Values rise from row group to row group, and end in digits that coarser units or JavaScript numbers would cut off.
Prints JSON: [{file, filters: [{column, type, value}]}], where `column > value` is true of few rows, in the last group.
"""

import json
import sys
import uuid
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data_columns import START_US, key_values
from writers import write

ROWS = 6144
GROUP_ROWS = 2048


def wide_decimals(index, precision, scale, factor):
    values = [int(i) * factor + 7 for i in index]
    data = b"".join(v.to_bytes(16, "little", signed=True) for v in values)
    return pa.Array.from_buffers(pa.decimal128(precision, scale), len(values), [None, pa.py_buffer(data)])


def columns():
    index = np.arange(ROWS, dtype=np.int64)
    micros = START_US + index * 1_000_003
    walk = np.round(1 + index * 1e-5, 5)
    walk[5::100] = np.nan
    walk[0] = -0.0
    yield "u64", pa.array(np.uint64(2**63) + index.astype(np.uint64) * np.uint64(1_000_000_007))
    yield "i64", pa.array(2**53 + index * 3)
    yield "us", pa.array(micros).cast(pa.timestamp("us"))
    yield "us_utc", pa.array(micros).cast(pa.timestamp("us", "UTC"))
    yield "ns", pa.array(micros * 1000 + 7).cast(pa.timestamp("ns"))
    yield "ns_utc", pa.array(micros * 1000 + 7).cast(pa.timestamp("ns", "UTC"))
    yield "ms", pa.array(micros // 1000).cast(pa.timestamp("ms"))
    yield "before_1970", pa.array(index - 4_000_000_000_000_001).cast(pa.timestamp("us"))
    yield "dec38", wide_decimals(index, 38, 10, 12_345_678_901_234_567_890_123)
    yield "dec20", wide_decimals(index - 3000, 20, 2, 12_345_678_901_234)
    yield "dec18", wide_decimals(index, 18, 6, 123_456_789_012)
    yield "dec9", wide_decimals(index, 9, 2, 100)
    yield "bytes", pa.array([b"\xff\xfe\x80" + int(i).to_bytes(3, "big") + b"\x00" for i in index], pa.binary())
    yield "long_bytes", pa.array([int(i).to_bytes(3, "big") + b"\xff" * 100 for i in index], pa.binary())
    yield "word", pa.array([f"é日{i:06}" for i in index])
    yield "long_word", pa.array([f"{i:06}" + "🙂" * 40 for i in index])
    yield "f64", pa.array(walk)
    yield "f32", pa.array(walk.astype(np.float32))
    for bits in (8, 16, 32):
        rising = (index * (2**bits - 1) // (ROWS - 1)).astype(np.int64)
        yield f"u{bits}", pa.array(rising).cast(getattr(pa, f"uint{bits}")())
        yield f"i{bits}", pa.array(rising - 2 ** (bits - 1)).cast(getattr(pa, f"int{bits}")())
    yield "date", pa.array((index - 3000).astype(np.int32)).cast(pa.date32())
    yield "time_us", pa.array(index * 14_000_003).cast(pa.time64("us"))
    yield "time_ms", pa.array((index * 14_003).astype(np.int32)).cast(pa.time32("ms"))
    yield "bool", pa.array(index > ROWS - 5)
    yield "null", pa.nulls(ROWS, pa.int64())
    # Fixed-length byte arrays, in which statistics only are compared: not every reader filters by them.
    yield "fixed", pa.array([int(i * 7919).to_bytes(5, "big") for i in index], pa.binary(5))
    yield "uuid", pa.array([uuid.UUID(int=(int(i) << 100) + 0xFFFE).bytes for i in index], pa.uuid())
    yield "f16", pa.array(np.linspace(-60000, 60000, ROWS).astype(np.float16))


UNSUPPORTED = {"pyarrow": set(), "polars": {"f16", "uuid", "fixed"}, "duckdb": {"f16", "ns_utc"}}
# Decimals: DuckDB alone stores those of 18 digits and less as integers by itself.
FIXED = {"fixed", "uuid", "f16", "dec38", "dec20"}
FIXED_BY = {"pyarrow": FIXED | {"dec18", "dec9"}, "polars": FIXED | {"dec18", "dec9"}, "duckdb": FIXED}
WITHOUT_FILTER = {"fixed", "uuid", "f16", "null"}


def filter_of(name, array):
    """The second largest value, so that its `>` finds the rows of the largest only."""
    values = array.drop_null()
    if pa.types.is_floating(array.type):
        values = values.filter(pc.invert(pc.is_nan(values)))
    values = pc.unique(values)
    value = values.take(pc.sort_indices(values, sort_keys=[("", "descending")])[1:2])[0]
    if hasattr(value, "value"):
        plain = value.value
    elif pa.types.is_binary(array.type):
        plain = value.as_py().hex()
    else:
        plain = value.as_py()
    # As text: whoever passes it on may have no 64-bit integers.
    return {"column": name, "type": str(array.type), "value": str(plain)}


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    matrix = dict(columns())
    described = []
    for variant, writer in enumerate(["duckdb", "polars", "pyarrow"]):
        left_out = UNSUPPORTED[writer] | (FIXED_BY[writer] if "--plain" in sys.argv else set())
        if "--common" in sys.argv:
            left_out |= {n for n in matrix if n in FIXED or n.startswith(("dec", "time"))}
        chosen = {n: a for n, a in matrix.items() if n not in left_out}
        key = pa.array(key_values(ROWS)).cast(pa.timestamp("us", "UTC"))
        table = pa.table({"interval_time": key} | {f"{writer}_{n}": a for n, a in chosen.items()})
        if writer == "pyarrow" and "--common" not in sys.argv:
            # Besides its own way with decimals (fixed-length bytes), the integers that other writers use.
            integers = {f"{writer}_int_{n}": matrix[n] for n in ("dec18", "dec9")}
            pq.write_table(
                table.select(["interval_time"]).append_column("pyarrow_int_dec18", integers["pyarrow_int_dec18"])
                .append_column("pyarrow_int_dec9", integers["pyarrow_int_dec9"]),
                folder / "pyarrow_integers.parquet", row_group_size=GROUP_ROWS, store_decimal_as_integer=True,
            )  # fmt: skip
            described.append({
                "file": "pyarrow_integers.parquet",
                "filters": [filter_of(n, a) for n, a in integers.items()],
            })  # fmt: skip
        write(writer, table, folder / f"{writer}.parquet", "interval_time", GROUP_ROWS, variant)
        filters = [filter_of(f"{writer}_{n}", a) for n, a in chosen.items() if n not in WITHOUT_FILTER]
        described.append({"file": f"{writer}.parquet", "filters": filters})
    json.dump(described, sys.stdout)


if __name__ == "__main__":
    main()
