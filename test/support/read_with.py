"""Reads columns of Parquet files with one reader, or counts the rows that filters find.

    read_with.py READER FILE COLUMN...          {rows, types: {...}, digests: {...}}
    read_with.py READER MERGED --of SOURCE...   {SOURCE: [reading of the source, reading of its columns in MERGED]}
    read_with.py READER MERGED --filters JSON   {COLUMN: [rows found in the source, rows found in MERGED]}

READER: pyarrow, polars, duckdb, pandas. Digests are of the values' bits, so that they compare between two files.
JSON: [{file, filters: [{column, type, value}]}]. A reader's refusal is an answer, too: the same for both files.
What only an Arrow schema beside the Parquet types tells (names of zones, seconds, dictionaries) is left out.
"""

import datetime
import decimal
import functools
import hashlib
import json
import re
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from compare_merged import bits


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def text(value):
    return "'" + str(value).replace("'", "''") + "'"


@functools.cache
def database():
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return connection


def read_pyarrow(path, names):
    table = pq.read_table(path, columns=names)
    return {name: (table[name], str(table.schema.field(name).type)) for name in names}


def read_polars(path, names):
    frame = pl.read_parquet(path, columns=names)
    return {name: (pa.chunked_array([frame[name].to_arrow()]), str(frame.schema[name])) for name in names}


def read_duckdb(path, names):
    selected = ", ".join(map(quoted, names))
    relation = database().sql(f"SELECT {selected} FROM read_parquet({text(path)})")
    types, table = relation.types, relation.to_arrow_table()
    return {name: (table.column(i), str(types[i])) for i, name in enumerate(names)}


def read_pandas(path, names):
    # With numpy's types a null would be a NaN, and whole numbers beside it no longer whole.
    frame = pd.read_parquet(path, columns=names, dtype_backend="pyarrow")
    if frame.index.name is not None:
        frame = frame.reset_index()
    arrays = {name: pa.chunked_array(frame[name].array.__arrow_array__()) for name in names}
    return {name: (arrays[name], str(frame[name].dtype).replace("[pyarrow]", "")) for name in names}


def count_rows(reader, path):
    if reader == "polars":
        return pl.scan_parquet(path).select(pl.len()).collect().item()
    if reader == "duckdb":
        return database().execute(f"SELECT count(*) FROM read_parquet({text(path)})").fetchall()[0][0]
    return pq.read_metadata(path).num_rows


def digest(column):
    array = bits(column)
    sha = hashlib.sha256(np.packbits(array.is_null().to_numpy(zero_copy_only=False)).tobytes())
    array = array.drop_null()
    if pa.types.is_large_binary(array.type):
        sha.update(pc.binary_length(array).to_numpy(zero_copy_only=False).tobytes())
        sha.update(b"".join(array.to_pylist()))
    elif pa.types.is_boolean(array.type):
        sha.update(array.cast(pa.uint8()).to_numpy().tobytes())
    elif pa.types.is_null(array.type):
        pass
    else:
        width = array.type.bit_width // 8
        sha.update(array.buffers()[1].slice(array.offset * width, len(array) * width).to_pybytes())
    return sha.hexdigest()


def plain_type(name):
    name = re.sub(r"(tz=|time_zone=|, )'?(?!None)[A-Z][A-Za-z]+(/[A-Za-z_]+)*'?(?=[\])])", r"\1UTC", name)
    name = re.sub(r"^dictionary<values=(\w+),.*", r"\1", name)
    name = {"category": "str", "large_string": "string", "large_binary": "binary"}.get(name, name)
    return name.replace("timestamp[s", "timestamp[ms").replace("datetime64[s", "datetime64[ms")


READ = {"pyarrow": read_pyarrow, "polars": read_polars, "duckdb": read_duckdb, "pandas": read_pandas}

EPOCH = datetime.datetime(1970, 1, 1)
PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}


def parse_type(kind):
    """`timestamp[us, tz=UTC]` and the like, as write_types.py prints them, to the Arrow type."""
    if match := re.fullmatch(r"timestamp\[(\w+)(?:, tz=(.+))?\]", kind):
        return pa.timestamp(match[1], match[2])
    if match := re.fullmatch(r"decimal128\((\d+), (\d+)\)", kind):
        return pa.decimal128(int(match[1]), int(match[2]))
    known = {"float": pa.float32(), "double": pa.float64(), "date32[day]": pa.date32(), "time64[us]": pa.time64("us")}
    return known.get(kind) or (pa.time32("ms") if kind == "time32[ms]" else pa.type_for_alias(kind))


def python_value(kind, value):
    if pa.types.is_decimal(kind):
        return decimal.Decimal(value)
    if pa.types.is_boolean(kind):
        return value == "True"
    if pa.types.is_floating(kind):
        return float(value)
    if pa.types.is_string(kind):
        return value
    return bytes.fromhex(value) if pa.types.is_binary(kind) else int(value)


def filter_pyarrow(path, name, kind, value):
    scalar = pa.scalar(value, kind)
    return pq.read_table(path, columns=[name], filters=pc.field(name) > scalar).num_rows


def filter_polars(path, name, kind, value):
    literal = pl.from_arrow(pa.array([value], kind))[0]
    dtype = pl.from_arrow(pa.array([], kind)).dtype
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind) or pa.types.is_date(kind):
        # Through integers: Python's own times end at microseconds.
        expression = pl.lit(value).cast(pl.Int64 if not pa.types.is_date(kind) else pl.Int32)
        scale = 10**9 // PER_SECOND[kind.unit] if pa.types.is_time(kind) else 1
        expression = (expression * scale).cast(dtype) if scale != 1 else expression.cast(dtype)
    else:
        expression = pl.lit(literal, dtype)
    return pl.scan_parquet(path).filter(pl.col(name) > expression).select(pl.len()).collect().item()


def sql_literal(kind, value):
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        whole, rest = divmod(value, PER_SECOND[kind.unit])
        digits = str(rest).rjust(len(str(PER_SECOND[kind.unit])) - 1, "0")
        moment = f"{EPOCH + datetime.timedelta(seconds=whole)}.{digits}"
        if pa.types.is_time(kind):
            return f"TIME {text(moment.split(' ')[1])}"
        if kind.tz is not None:
            return f"TIMESTAMPTZ {text(moment + '+00')}"
        return f"{text(moment)}::TIMESTAMP{'_NS' if kind.unit == 'ns' else ''}"
    if pa.types.is_date(kind):
        return f"DATE {text((EPOCH + datetime.timedelta(days=value)).date())}"
    if pa.types.is_decimal(kind):
        return f"{text(value)}::DECIMAL({kind.precision}, {kind.scale})"
    if pa.types.is_binary(kind):
        return f"from_hex({text(value.hex())})"
    if pa.types.is_floating(kind):
        return f"{text(value)}::{'DOUBLE' if kind.bit_width == 64 else 'FLOAT'}"
    return text(value) if pa.types.is_string(kind) else str(value)


def filter_duckdb(path, name, kind, value):
    where = f"{quoted(name)} > {sql_literal(kind, value)}"
    return database().execute(f"SELECT count(*) FROM read_parquet({text(path)}) WHERE {where}").fetchall()[0][0]


FILTER = {"pyarrow": filter_pyarrow, "polars": filter_polars, "duckdb": filter_duckdb}


def found(reader, path, one):
    try:
        kind = parse_type(one["type"])
        return FILTER[reader](path, one["column"], kind, python_value(kind, one["value"]))
    except Exception as error:
        return f"{type(error).__name__}: {error}".splitlines()[0][:120]


def reading(reader, path, names):
    columns = READ[reader](path, names)
    return {
        "rows": count_rows(reader, path),
        "types": {name: plain_type(kind) for name, (_, kind) in columns.items()},
        "digests": {name: digest(column) for name, (column, _) in columns.items()},
    }


def both(reader, merged, source):
    in_merged = set(pq.read_schema(merged).names)
    names = [name for name in pq.read_schema(source).names if name in in_merged]
    return [reading(reader, path, names) for path in (source, merged)]


def main():
    reader, path, mode, *rest = sys.argv[1:]
    if mode == "--of":
        answer = {source: both(reader, path, source) for source in rest}
    elif mode == "--filters":
        answer = {
            one["column"]: [found(reader, file, one) for file in (source["file"], path)]
            for source in json.loads(rest[0])
            for one in source["filters"]
        }
    else:
        answer = reading(reader, path, [mode, *rest])
    json.dump(answer, sys.stdout, ensure_ascii=False)


if __name__ == "__main__":
    main()
