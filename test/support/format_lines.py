"""What users have, a line of docs/formats.md each: section, name, and the columns, key and writer of the file that it is about."""

import base64
import dataclasses
import decimal
import json
import typing
import uuid

import duckdb
import fastparquet
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

from data_columns import KINDS, key_values

ROWS = 2500
GROUP_ROWS = 2048
KEY = "k"
INDEX = np.arange(ROWS, dtype=np.int64)
MICROS = key_values(ROWS)


@dataclasses.dataclass
class Line:
    section: str
    name: str
    # Name -> array of ROWS values, without the key.
    columns: typing.Callable
    # (table, path), of b; a list: of b, c and so on.
    writers: list
    # Key of row numbers; None: any integers, and the line is not about them.
    key: typing.Callable | None = None
    # The same for b, where its type is another one.
    key_of_b: typing.Callable | None = None
    rows: int = ROWS


LINES: list[Line] = []


def kind(name):
    return KINDS[name](np.random.default_rng(7), ROWS)


def of(*names):
    return lambda: {name: kind(name) for name in names}


USUAL = of("f64", "i64", "word", "bool", "us_utc", "date")


def some(values, arrow_type=None):
    """Every eleventh is null."""
    return pa.array([None if i % 11 == 3 else value for i, value in enumerate(values)], arrow_type)


def arrow(**options):
    return lambda table, path: pq.write_table(table, path, row_group_size=GROUP_ROWS, **options)


def polars(**options):
    return lambda table, path: pl.from_arrow(table).write_parquet(path, row_group_size=GROUP_ROWS, **options)


def duck(options="", select="*"):
    def write(table, path):
        with duckdb.connect(config={"threads": 1}) as database:
            database.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            database.register("checkpoint", table)
            target = f"'{path}' (FORMAT parquet, ROW_GROUP_SIZE {GROUP_ROWS}{options})"
            database.execute(f"COPY (SELECT {select} FROM checkpoint) TO {target}")

    return write


def fast(**options):
    kept = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}

    def write(table, path):
        frame = table.to_pandas(types_mapper=kept.get)
        fastparquet.write(str(path), frame, row_group_offsets=[0, GROUP_ROWS], write_index=False, **options)

    return write


def pandas_index(table, path):
    table.to_pandas().set_index(KEY).to_parquet(path, row_group_size=GROUP_ROWS)


def range_index(table, path):
    """Pandas keeps a range in its metadata only, and writes no column of it."""
    table.drop_columns([KEY]).to_pandas().to_parquet(path, row_group_size=GROUP_ROWS)


def with_schema(change):
    """`change`: Arrow's field and its number to another field."""

    def write(table, path):
        schema = pa.schema([change(field, number) for number, field in enumerate(table.schema)])
        arrow()(table.cast(schema), path)

    return write


def with_metadata(table, path):
    metadata = pa.Schema.from_pandas(table.to_pandas()).metadata | {b"made by": "Zoë".encode()}
    arrow()(table.replace_schema_metadata(metadata), path)


def sorted_by_key(table, path):
    arrow(sorting_columns=[pq.SortingColumn(table.schema.get_field_index(KEY))])(table, path)


class Keys(pe.KmsClient):
    """Wraps a key by writing it down: nothing secret is in these files."""

    def __init__(self, config):
        super().__init__()

    def wrap_key(self, key_bytes, master_key_identifier):
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key, master_key_identifier):
        return base64.b64decode(wrapped_key)


def encrypted(plaintext_footer):
    def write(table, path):
        config = pe.EncryptionConfiguration(
            footer_key="footer", column_keys={"column": ["f64"]}, plaintext_footer=plaintext_footer
        )
        properties = pe.CryptoFactory(Keys).file_encryption_properties(pe.KmsConnectionConfig(), config)
        with pq.ParquetWriter(path, table.schema, encryption_properties=properties) as writer:
            writer.write_table(table, row_group_size=GROUP_ROWS)

    return write


def line(section, name, columns=USUAL, write=None, **more):
    writers = write if isinstance(write, list) else [write or arrow()]
    LINES.append(Line(section, name, columns, writers, **more))


def type_line(name, make, write=None):
    line("Types", name, lambda: {"x": make() if callable(make) else kind(make), "y": kind("f64")}, write)


def key_line(name, key, write=None, **more):
    line("Keys", name, of("f64", "word"), write, key=key, **more)


def writers():
    section = "Writers"
    line(section, "pyarrow")
    line(section, "pyarrow, flavor spark", write=arrow(flavor="spark"))
    line(section, "pandas, the key its index (last column)", write=pandas_index)
    line(section, "pandas, a range as its index", write=range_index)
    line(section, "Polars", write=polars())
    line(section, "DuckDB", write=duck())
    # Its deltas of 64-bit integers of the full range are not what pyarrow reads.
    line(section, "DuckDB, PARQUET_VERSION v2", of("f64", "count", "word", "bool", "us_utc"), duck(", PARQUET_VERSION v2"))
    line(section, "fastparquet", of("f64", "i64", "word", "bool", "us_utc"), fast())


def codecs():
    for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"]:
        name = {"lz4": "LZ4_RAW"}.get(codec, codec)
        line("Codecs", name, write=arrow(compression=codec, data_page_size=4096))
    each = dict(zip(["f64", "i64", "word", "bool", "us_utc", "date"], ["none", "gzip", "brotli", "lz4", "zstd", "snappy"]))
    line("Codecs", "another for each column", write=arrow(compression=each | {KEY: "gzip"}))
    line("Codecs", "another for each file", write=[arrow(compression=c) for c in ("none", "zstd", "lz4", "gzip", "brotli")])


def encodings():
    numbers, texts = ["i32", "i64", "us", "f32", "f64"], ["word", "id", "bytes"]
    made = {
        "PLAIN": [*numbers, *texts, "bool", "fixed16"],
        "RLE_DICTIONARY": [*numbers, *texts, "fixed16"],
        "DELTA_BINARY_PACKED": ["i32", "i64", "us", "count", "date"],
        "DELTA_LENGTH_BYTE_ARRAY": texts,
        "DELTA_BYTE_ARRAY": texts,
        "DELTA_BYTE_ARRAY of fixed length": ["fixed16"],
        "BYTE_STREAM_SPLIT": ["f32", "f64"],
        "BYTE_STREAM_SPLIT of integers": ["i32", "i64"],
        "BYTE_STREAM_SPLIT of fixed length": ["fixed16", "f16"],
        "RLE of booleans": ["bool"],
    }
    for name, names in made.items():
        encoding = name.split(" ")[0]
        plain = {"use_dictionary": False, "column_encoding": dict.fromkeys(names, encoding)}
        options = {} if encoding == "RLE_DICTIONARY" else plain
        for page in ("1.0", "2.0"):
            write = arrow(data_page_version=page, data_page_size=4096, write_batch_size=256, **options)
            line("Encodings", f"{name}, data pages v{page[0]}", of(*names), write)
    line("Encodings", "PLAIN_DICTIONARY (format version 1.0)", of(*numbers, *texts), arrow(version="1.0"))
    small = arrow(dictionary_pagesize_limit=2048, data_page_size=2048, write_batch_size=128)
    line("Encodings", "a dictionary that overflows", of("id", "i64"), small)


def types():
    for bits in (8, 16, 32, 64):
        type_line(f"int{bits}", f"i{bits}")
        type_line(f"uint{bits}", f"u{bits}")
    type_line("float16", "f16")
    type_line("float32", "f32")
    type_line("float64 (payloads of NaN, -0.0, subnormals)", "f64")
    type_line("boolean", "bool")
    type_line("decimal in INT32", "dec9", arrow(store_decimal_as_integer=True))
    type_line("decimal in INT64", "dec18", arrow(store_decimal_as_integer=True))
    type_line("decimal of fixed length, 9 digits", "dec9")
    type_line("decimal of fixed length, 38 digits", "dec38")
    type_line("date", "date")
    type_line("time ms", "time_ms")
    type_line("time us", "time_us")
    type_line("time us, UTC", "time_us", arrow(write_time_adjusted_to_utc=True))
    type_line("time ns", lambda: some((INDEX * 34_000_000_007 % 86_400_000_000_000).tolist(), pa.time64("ns")))
    for unit in ("ms", "us", "ns"):
        type_line(f"timestamp {unit}", unit)
        type_line(f"timestamp {unit} with a zone", "ms_zone" if unit == "ms" else f"{unit}_utc")
    type_line("timestamp s (stored in ms)", "s")
    type_line("timestamp in INT96", "ns", arrow(use_deprecated_int96_timestamps=True))
    type_line("duration (INT64)", lambda: some((INDEX * 7919).tolist(), pa.duration("us")))
    to_interval = "* REPLACE (to_days(x::INTEGER) + to_months(3) AS x)"
    type_line("interval", lambda: some(INDEX.tolist()), duck(select=to_interval))
    type_line("string", "word")
    type_line("large string", lambda: kind("id").cast(pa.large_string()))
    type_line("categories (Arrow's dictionary)", lambda: kind("word").dictionary_encode())
    type_line("binary", "bytes")
    type_line("binary of fixed length", "fixed16")
    type_line("UUID", lambda: some([uuid.UUID(int=int(i) * 7919 << 64).bytes for i in INDEX], pa.uuid()))
    type_line("JSON", lambda: some([json.dumps({"bid": int(i)}) for i in INDEX], pa.json_(pa.string())))
    type_line("null", lambda: pa.nulls(ROWS))
    type_line("nothing but nulls", "null")
    type_line("list", lambda: some([[float(i)] * (i % 4) for i in INDEX], pa.list_(pa.float64())))
    type_line("list of lists", lambda: some([[[int(i)], []] for i in INDEX], pa.list_(pa.list_(pa.int32()))))
    words = lambda: some([[f"w{i}"] * (i % 3) for i in INDEX], pa.list_(pa.string()))  # noqa: E731
    type_line("list of Polars", words, polars())
    type_line("list of DuckDB", words, duck())
    two = pa.struct({"low": pa.float64(), "word": pa.string()})
    type_line("struct", lambda: some([{"low": float(i), "word": f"w{i}"} for i in INDEX], two))
    deep = pa.struct({"l": pa.list_(pa.struct({"v": pa.int16()}))})
    type_line("struct of lists of structs", lambda: some([{"l": [{"v": int(i)}] * (i % 3)} for i in INDEX], deep))
    pairs = pa.map_(pa.string(), pa.float64())
    type_line("map", lambda: some([[("bid", float(i)), ("ask", 1.5)][: i % 3] for i in INDEX], pairs))


def surroundings():
    section = "Indexes, statistics, metadata"
    line(section, "page indexes", write=arrow(write_page_index=True, data_page_size=2048, write_batch_size=128))
    line(section, "bloom filters", write=arrow(bloom_filter_options={"i64": True, "word": True}))
    line(section, "bloom filters of DuckDB", of("count", "word"), duck())
    line(section, "no statistics", write=arrow(write_statistics=False))
    line(section, "checksums of pages", write=arrow(write_page_checksum=True, data_page_size=2048))
    line(section, "no Arrow schema", write=arrow(store_schema=False))
    line(section, "metadata of pandas and of a user", write=with_metadata)
    ids = lambda field, number: field.with_metadata({"PARQUET:field_id": str(number + 1)})  # noqa: E731
    line(section, "field ids", write=with_schema(ids))
    required = with_schema(lambda field, _: field.with_nullable(False))
    line(section, "columns that are required", lambda: {"x": kind("walk"), "y": pa.array(INDEX)}, required)
    line(section, "sorting columns", write=sorted_by_key)
    line(section, "an encrypted file", write=encrypted(False))
    line(section, "encrypted columns, plain footer", write=encrypted(True))


def keys():
    def stamps(unit, zone=None):
        factor = {"us": 1, "ns": 1000}.get(unit)
        ticks = MICROS // 1000 if factor is None else MICROS * factor
        return lambda i: pa.array(ticks[i]).cast(pa.timestamp(unit, zone))

    def integers(kind_name):
        limits = np.iinfo(kind_name)
        # Unsigned ones end beyond what a signed one of their width holds; keys end at 2^63 - 1.
        low = max(limits.min, -700) if limits.min < 0 else max(0, min(limits.max, 2**63 - 1) - ROWS)
        return lambda i: pa.array(i.astype(kind_name) + np.array(low, kind_name))

    for unit in ("ms", "us", "ns"):
        key_line(f"timestamp {unit}", stamps(unit))
        key_line(f"timestamp {unit} with a zone", stamps(unit, "UTC"))
    key_line("timestamps, ms beside us", stamps("ms"), key_of_b=stamps("us"))
    key_line("timestamps, us beside ns", stamps("us", "UTC"), key_of_b=stamps("ns", "UTC"))
    key_line("timestamps, with a zone beside without", stamps("us"), key_of_b=stamps("us", "UTC"))
    for bits in (8, 16, 32, 64):
        for sign in ("", "u"):
            key_line(f"{sign}int{bits}", integers(f"{sign}int{bits}"), rows=min(ROWS, 2**bits))
    key_line("string", lambda i: pa.array([f"k{n:05}é" for n in i]))
    key_line("date", lambda i: pa.array((i - 700).astype(np.int32)).cast(pa.date32()))
    cents = lambda i, digits: pa.array([decimal.Decimal(int(n)) / 4 for n in i], pa.decimal128(digits, 2))  # noqa: E731
    key_line("decimal in INT32", lambda i: cents(i, 9), arrow(store_decimal_as_integer=True))
    key_line("decimal in INT64", lambda i: cents(i, 18), arrow(store_decimal_as_integer=True))
    key_line("decimal of fixed length", lambda i: cents(i, 30))
    key_line("time of the day", lambda i: pa.array(i * 1000).cast(pa.time64("us")))
    key_line("float32", lambda i: pa.array((i / 4).astype(np.float32)))
    key_line("float64", lambda i: pa.array(i / 4))
    key_line("boolean", lambda i: pa.array(i % 2 == 0), rows=2)
    key_line("binary", lambda i: pa.array([int(n).to_bytes(4, "big") for n in i], pa.binary()))
    key_line("UUID", lambda i: pa.array([uuid.UUID(int=int(n)).bytes for n in i], pa.uuid()))
    key_line("list", lambda i: pa.array([[int(n)] for n in i]))
    key_line("timestamp in INT96", stamps("ns"), arrow(use_deprecated_int96_timestamps=True))


for section in (writers, codecs, encodings, types, surroundings, keys):
    section()
