"""Keys of every type, by pyarrow: `write DIR` makes DIR/<type>/{a,b,c}.parquet; `check DIR` reads what was merged of them.

Rows of a key's type are its values, numbered; each file has its key `k` and the numbers, as a column named after it: `a` has all rows,
`b` the same in other codecs and encodings, `c` some of them, in another order. write prints JSON: [{type, kept}], check fails or prints {}.
"""

import json
import sys
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 40
NUMBERS = range(ROWS)


def integers(bits, signed):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    kind = getattr(pa, f"{'' if signed else 'u'}int{bits}")()
    return pa.array([low + i for i in range(ROWS // 2)] + [high - i for i in range(ROWS - ROWS // 2)], kind)


def instants(unit, zone):
    # Before 1970, too, and at the unit's own precision.
    step = {"s": 1, "ms": 1_001, "us": 1_000_001, "ns": 1_000_000_001}[unit]
    return pa.array([(i - 9) * step for i in NUMBERS], pa.int64()).cast(pa.timestamp(unit, zone))


def kept():
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "Europe/Berlin"):
            yield f"timestamp {unit} {zone}", instants(unit, zone)
    for bits in (8, 16, 32, 64):
        yield f"int{bits}", integers(bits, True)
        yield f"uint{bits}", integers(bits, False)
    words = ["", "a", "A", "a\0", "é", "日本", "x" * 300] + [f"w{i}" for i in range(ROWS - 7)]
    yield "string", pa.array(words)
    yield "large string", pa.array(words, pa.large_string())
    yield "dictionary", pa.array(words).dictionary_encode()
    yield "date32", pa.array([date(1969, 12, 1) + timedelta(days=2 * i) for i in NUMBERS])
    yield "date64", pa.array([date(1969, 12, 1) + timedelta(days=2 * i) for i in NUMBERS], pa.date64())
    # An integer in Parquet: Arrow's own schema alone says what it counts.
    yield "duration", pa.array([i * 1_000 for i in NUMBERS], pa.duration("us"))


def refused():
    yield "bool", pa.array([i % 2 == 0 for i in NUMBERS])
    for name in ("float16", "float32", "float64"):
        yield name, pa.array([float(i) for i in NUMBERS]).cast(getattr(pa, name)())
    yield "decimal", pa.array([Decimal(i) / 100 for i in NUMBERS], pa.decimal128(9, 2))
    yield "decimal as int32", pa.array([Decimal(i) / 100 for i in NUMBERS], pa.decimal128(9, 2))
    yield "decimal as int64", pa.array([Decimal(i) / 100 for i in NUMBERS], pa.decimal128(18, 2))
    yield "binary", pa.array([bytes([i]) for i in NUMBERS])
    yield "fixed", pa.array([bytes([i] * 5) for i in NUMBERS], pa.binary(5))
    yield "uuid", pa.array([uuid.UUID(int=i).bytes for i in NUMBERS], pa.uuid())
    yield "json", pa.array([json.dumps(i) for i in NUMBERS], pa.json_())
    yield "time ms", pa.array([time(0, i) for i in NUMBERS], pa.time32("ms"))
    yield "time us", pa.array([time(0, i) for i in NUMBERS], pa.time64("us"))
    yield "int96", pa.array([datetime(2024, 1, 1, 0, i, tzinfo=UTC) for i in NUMBERS], pa.timestamp("us", "UTC"))
    yield "list", pa.array([[i] for i in NUMBERS])
    yield "struct", pa.array([{"i": i} for i in NUMBERS])
    yield "null", pa.nulls(ROWS)


def write(folder):
    described = []
    for keeps, keys in [(True, kept()), (False, refused())]:
        for name, key in keys:
            place = folder / name.replace("/", "_")
            place.mkdir(parents=True)
            numbers = pa.array(NUMBERS)
            some = pa.array([(i * 7 + 3) % ROWS for i in range(ROWS // 2)])
            options = {"store_decimal_as_integer": name.startswith("decimal as")}
            if name == "int96":
                options["use_deprecated_int96_timestamps"] = True
            pq.write_table(pa.table({"k": key, "a": numbers}), place / "a.parquet", **options)
            pq.write_table(
                pa.table({"b": numbers, "k": key}), place / "b.parquet",
                compression="zstd", use_dictionary=False, data_page_version="2.0", **options,
            )  # fmt: skip
            pq.write_table(pa.table({"c": some, "k": key.take(some)}), place / "c.parquet", row_group_size=7, **options)
            described.append({"type": name, "kept": keeps})
    json.dump(described, sys.stdout)


def check(folder):
    for name, key in kept():
        merged = pq.read_table(folder / name.replace("/", "_") / "merged.out", partitioning=None)
        assert merged.column_names == ["k", "a", "b", "c"], name
        assert merged["a"].to_pylist() == merged["b"].to_pylist() == list(NUMBERS), name
        thirds = [i if i in {(j * 7 + 3) % ROWS for j in range(ROWS // 2)} else None for i in NUMBERS]
        assert merged["c"].to_pylist() == thirds, name
        expected = pq.read_table(folder / name.replace("/", "_") / "a.parquet", partitioning=None)["k"]
        physical = expected.cast(merged["k"].type)
        assert merged["k"].equals(physical), f"{name}: {merged['k']}"
    print("{}")


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](Path(sys.argv[2]))
