"""Writes one table in every encoding, codec and page version, and the SHA-256 of each column's physical values.

Of each row the digest gets "N", or "V" and the value's bytes as they are stored. Prints JSON: {files, digests}.
"""

import argparse
import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 3000
# Quiet and signalling payloads, a negative zero, the smallest subnormal: what a float register could change.
BITS = [0x7FF8000000000123, 0xFFF0000000000001, 0x8000000000000000, 1, 0x7FF0000000000000]
SPLIT = {name: "BYTE_STREAM_SPLIT" for name in ["f64", "f64_null", "f32", "i64", "i32_null", "fixed"]}
DELTA = {
    "i64_null": "DELTA_BINARY_PACKED",
    "few_null": "DELTA_BINARY_PACKED",
    "text": "DELTA_BYTE_ARRAY",
    "bytes": "DELTA_LENGTH_BYTE_ARRAY",
    "bytes_null": "DELTA_BYTE_ARRAY",
    "bool_null": "RLE",
}


def columns():
    """name -> (Arrow array, the stored bytes of each row or None)."""
    rng = np.random.default_rng(1)
    mask = rng.random(ROWS) < 0.2
    f64 = rng.standard_normal(ROWS).view(np.uint64)
    f64[10 : 10 + len(BITS)] = BITS
    f64 = f64.view(np.float64)
    f32 = (rng.integers(0, 2**32, ROWS, dtype=np.uint64)).astype(np.uint32).view(np.float32)
    i64 = rng.integers(-(2**63), 2**63 - 1, ROWS)
    i32 = rng.integers(-(2**31), 2**31 - 1, ROWS).astype(np.int32)
    few = rng.integers(0, 17, ROWS)
    text = [f"s{v}é" for v in few]
    raw = [rng.integers(0, 255, rng.integers(0, 9)).astype(np.uint8).tobytes() for _ in range(ROWS)]
    fixed = [bytes([v % 256, v % 7, 3]) for v in range(ROWS)]
    flags = rng.random(ROWS) < 0.5
    items = lambda array: [array[i : i + 1].tobytes() for i in range(ROWS)]
    without = lambda values: [None if null else value for null, value in zip(mask, values)]
    micros = i64 // 1_000_000
    return {
        "f64": (pa.array(f64), items(f64)),
        "f64_null": (pa.array(f64, mask=mask), without(items(f64))),
        "f32": (pa.array(f32), items(f32)),
        "f32_null": (pa.array(f32, mask=mask), without(items(f32))),
        "i64": (pa.array(i64), items(i64)),
        "i64_null": (pa.array(i64, mask=mask), without(items(i64))),
        "u64": (pa.array(i64.view(np.uint64)), items(i64)),
        "i32_null": (pa.array(i32, mask=mask), without(items(i32))),
        "few_null": (pa.array(few, mask=mask), without(items(few))),
        "us": (pa.array(micros, pa.timestamp("us", "UTC")), items(micros)),
        "bool": (pa.array(flags), items(flags.astype(np.uint8))),
        "bool_null": (pa.array(flags, mask=mask), without(items(flags.astype(np.uint8)))),
        "text": (pa.array(text), [t.encode() for t in text]),
        "bytes": (pa.array(raw), raw),
        "bytes_null": (pa.array(without(raw), pa.binary()), without(raw)),
        "fixed": (pa.array(fixed, pa.binary(3)), fixed),
        "nothing": (pa.array([None] * ROWS, pa.float64()), [None] * ROWS),
    }


def digest(values):
    sha = hashlib.sha256()
    for value in values:
        sha.update(b"N" if value is None else b"V" + value)
    return sha.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=Path)
    folder = parser.parse_args().dir
    made = columns()
    table = pa.table({name: array for name, (array, _) in made.items()})
    files = []

    def write(name, **options):
        files.append(f"{name}.parquet")
        pq.write_table(table, folder / files[-1], row_group_size=1100, data_page_size=2000, **options)

    for codec, page in itertools.product(["none", "snappy", "zstd", "gzip", "brotli", "lz4"], ["1.0", "2.0"]):
        for dictionary in [True, False]:
            kind = "dictionary" if dictionary else "plain"
            write(f"{codec}-{page}-{kind}", compression=codec, data_page_version=page, use_dictionary=dictionary)
    for page in ["1.0", "2.0"]:
        encodings = {**SPLIT, **DELTA}
        write(f"delta-{page}", use_dictionary=False, column_encoding=encodings, data_page_version=page)
    print(json.dumps({"files": files, "digests": {name: digest(values) for name, (_, values) in made.items()}}))


if __name__ == "__main__":
    main()
