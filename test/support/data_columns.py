"""Columns as they come in real checkpoints, with the values that a careless merge would change.

Every kind is a function (generator, rows) -> pyarrow array; vectorised, so that millions of values take seconds.
"""

import numpy as np
import pyarrow as pa

INTERVAL_US = 300_000_000
START_US = 1_704_067_200_000_000  # 2024-01-01T00:00:00Z
WORDS = ["", "buy", "sell", "hold", "naïve", "Ünïcode ☃", "日本語", "🙂", "tab\tquote\"'", "nul\x00inside", "x" * 300]
# NaN with payloads, both signs; -0.0; infinities; the smallest and the largest subnormal; the largest finite.
ODD_DOUBLES = np.array(
    [0x7FF8000000000001, 0xFFF8DEADBEEF0001, 0x7FF8000000000000, 0x8000000000000000, 0x7FF0000000000000,
     0xFFF0000000000000, 0x0000000000000001, 0x800FFFFFFFFFFFFF, 0x7FEFFFFFFFFFFFFF],
    np.uint64,
)  # fmt: skip
ODD_FLOATS = np.array([0x7FC00001, 0xFFC0BEEF, 0x80000000, 0x7F800000, 0xFF800000, 0x00000001, 0x807FFFFF], np.uint32)


def key_values(rows):
    """Starts of five-minute intervals, weekends left out; microseconds since 1970, int64."""
    week = 5 * 288
    index = np.arange(rows, dtype=np.int64)
    return START_US + (index // week * 7 * 288 + index % week) * INTERVAL_US


def with_nulls(rng, array, share=0.07):
    if share == 0:
        return array
    mask = rng.random(len(array)) < share
    if isinstance(array, np.ndarray):
        return pa.array(array, mask=mask)
    indices = pa.array(np.arange(len(array)), mask=mask)
    return array.take(indices)


def random_walk(rng, rows):
    return 1.1 + np.round(np.cumsum(rng.normal(0, 1e-4, rows)), 6)


def doubles(rng, rows):
    values = random_walk(rng, rows)
    where = rng.integers(0, rows, max(1, rows // 50))
    values.view(np.uint64)[where] = ODD_DOUBLES[rng.integers(0, len(ODD_DOUBLES), len(where))]
    return with_nulls(rng, values)


def floats(rng, rows):
    values = random_walk(rng, rows).astype(np.float32)
    where = rng.integers(0, rows, max(1, rows // 50))
    values.view(np.uint32)[where] = ODD_FLOATS[rng.integers(0, len(ODD_FLOATS), len(where))]
    return with_nulls(rng, values)


def integers(dtype, low_cardinality=False):
    def make(rng, rows):
        info = np.iinfo(dtype)
        if low_cardinality:
            return with_nulls(rng, rng.integers(0, 12, rows).astype(dtype), 0.02)
        values = rng.integers(info.min, info.max, rows, dtype=dtype, endpoint=True)
        values[rng.integers(0, rows, 2)] = (info.min, info.max)
        return with_nulls(rng, values, 0.05)

    return make


def timestamps(unit, zone=None):
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]

    def make(rng, rows):
        seconds = key_values(rows) // 10**6
        ticks = seconds * per_second + rng.integers(0, max(1, per_second), rows)
        return with_nulls(rng, ticks).cast(pa.timestamp(unit, zone))

    return make


def decimals(precision, scale):
    def make(rng, rows):
        """128-bit integers put together from their two halves, so that no Python number is made."""
        limit = 10**precision - 1
        halves = np.zeros((rows, 2), np.uint64)
        if precision <= 18:
            low = rng.integers(-limit, limit, rows)
            halves[:, 0] = low.view(np.uint64)
            halves[:, 1] = (low >> 63).view(np.uint64)
        else:
            high = rng.integers(-(limit >> 64), limit >> 64, rows)
            halves[:, 0] = rng.integers(0, 2**64 - 1, rows, dtype=np.uint64)
            halves[:, 1] = high.view(np.uint64)
        array = pa.Array.from_buffers(pa.decimal128(precision, scale), rows, [None, pa.py_buffer(halves.tobytes())])
        return with_nulls(rng, array)

    return make


def strings(rng, rows):
    return with_nulls(rng, pa.array(WORDS).take(pa.array(rng.integers(0, len(WORDS), rows))))


def unique_strings(rng, rows):
    return with_nulls(rng, pa.array(np.char.add("id-", rng.integers(0, 10**12, rows).astype(str))), 0.01)


def binaries(rng, rows):
    pool = pa.array([rng.bytes(int(size)) for size in rng.integers(0, 40, 200)], pa.binary())
    return with_nulls(rng, pool.take(pa.array(rng.integers(0, 200, rows))))


def fixed_binaries(width):
    def make(rng, rows):
        data = pa.py_buffer(rng.bytes(rows * width))
        return with_nulls(rng, pa.Array.from_buffers(pa.binary(width), rows, [None, data]))

    return make


def half_floats(rng, rows):
    return with_nulls(rng, rng.integers(0, 2**16, rows, dtype=np.uint16).view(np.float16))


def booleans(rng, rows):
    return with_nulls(rng, rng.random(rows) < 0.3)


def dates(rng, rows):
    return with_nulls(rng, rng.integers(-40_000, 40_000, rows, dtype=np.int32)).cast(pa.date32())


def times(unit):
    per_day = 86_400 * {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit]

    def make(rng, rows):
        kind, dtype = (pa.time32(unit), np.int32) if unit == "ms" else (pa.time64(unit), np.int64)
        return with_nulls(rng, rng.integers(0, per_day, rows).astype(dtype)).cast(kind)

    return make


def never_null(rng, rows):
    return pa.array(random_walk(rng, rows))


def always_null(rng, rows):
    return pa.nulls(rows, pa.float64())


KINDS = {
    "f64": doubles,
    "walk": never_null,
    "count": integers(np.int64, low_cardinality=True),
    "i32": integers(np.int32),
    "word": strings,
    "us": timestamps("us"),
    "us_utc": timestamps("us", "UTC"),
    "ns": timestamps("ns"),
    "ns_utc": timestamps("ns", "UTC"),
    "ms": timestamps("ms"),
    "ms_zone": timestamps("ms", "Europe/Berlin"),
    "s": timestamps("s"),
    "f32": floats,
    "bool": booleans,
    "u64": integers(np.uint64),
    "i64": integers(np.int64),
    "i8": integers(np.int8),
    "u8": integers(np.uint8),
    "i16": integers(np.int16),
    "u16": integers(np.uint16),
    "u32": integers(np.uint32),
    "id": unique_strings,
    "bytes": binaries,
    "date": dates,
    "time_us": times("us"),
    "time_ms": times("ms"),
    "null": always_null,
    "dec9": decimals(9, 2),
    "dec18": decimals(18, 6),
    "dec38": decimals(38, 10),
    "fixed16": fixed_binaries(16),
    "f16": half_floats,
}
# Kinds that a writer stores as fixed-length byte arrays, or cannot store.
FIXED_LENGTH = {"dec9", "dec18", "dec38", "fixed16", "f16"}
