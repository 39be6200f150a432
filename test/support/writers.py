"""The four writers whose files people have: the same table through pyarrow, pandas, Polars or DuckDB.

`pyarrow-default` is pyarrow with nothing asked for but the codec, snappy and zstd in turn: the files that the bench measures with.
"""

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

WRITERS = ["pyarrow", "pandas", "polars", "duckdb"]
CODECS = {
    "pyarrow": ["snappy", "zstd", "gzip", "lz4", "brotli", "none"],
    "pyarrow-default": ["snappy", "zstd"],
    "pandas": ["snappy", "zstd", "gzip", "brotli"],
    "polars": ["zstd", "snappy", "lz4", "gzip", "brotli", "uncompressed"],
    "duckdb": ["snappy", "zstd", "gzip", "lz4_raw", "brotli", "uncompressed"],
}
# Kinds of data_columns that the writer (or its reading of Arrow) refuses.
UNSUPPORTED = {"pyarrow": set(), "pyarrow-default": set(), "pandas": set(), "polars": {"f16"}, "duckdb": {"f16", "ns_utc"}}

_duckdb = None


def write(writer, table, path, key, row_group_rows, variant):
    """Writes `table`; `variant` (any integer) picks codec, page version, encodings and page indexes."""
    codecs = CODECS[writer]
    codec = codecs[variant % len(codecs)]
    ways = {
        "pyarrow": _pyarrow,
        "pyarrow-default": _pyarrow_default,
        "pandas": _pandas,
        "polars": _polars,
        "duckdb": _write_duckdb,
    }
    ways[writer](table, path, key, row_group_rows, codec, variant)


def _pyarrow(table, path, key, row_group_rows, codec, variant):
    options = {}
    if variant % 3 == 1:
        options["use_dictionary"] = False
        options["column_encoding"] = {
            field.name: "DELTA_BINARY_PACKED"
            for field in table.schema
            if pa.types.is_int64(field.type) or pa.types.is_timestamp(field.type)
        }
    if variant % 4 == 2:
        options["use_byte_stream_split"] = [f.name for f in table.schema if pa.types.is_float64(f.type)]
    pq.write_table(
        table,
        path,
        row_group_size=row_group_rows,
        compression=codec,
        data_page_version="2.0" if variant % 2 else "1.0",
        write_page_index=variant % 3 == 0,
        store_schema=variant % 5 != 4,
        data_page_size=16 * 1024 if variant % 2 else None,
        **options,
    )


def _pyarrow_default(table, path, key, row_group_rows, codec, variant):
    pq.write_table(table, path, row_group_size=row_group_rows, compression=codec)


def _pandas(table, path, key, row_group_rows, codec, variant):
    """The key as the index, which pandas writes as the last column."""
    frame = table.to_pandas().set_index(key)
    frame.to_parquet(path, engine="pyarrow", compression=codec, row_group_size=row_group_rows)


def _polars(table, path, key, row_group_rows, codec, variant):
    pl.from_arrow(table).write_parquet(path, compression=codec, row_group_size=row_group_rows)


def _write_duckdb(table, path, key, row_group_rows, codec, variant):
    """DuckDB cuts row groups at multiples of 2,048 rows; one thread keeps the order."""
    global _duckdb
    if _duckdb is None:
        _duckdb = duckdb.connect(config={"threads": 1})
        _duckdb.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    _duckdb.register("checkpoint", table)
    target = str(path).replace("'", "''")
    # Version v2 packs the deltas of 32-bit integers of the full range in a way that pyarrow cannot read.
    _duckdb.execute(
        f"COPY (SELECT * FROM checkpoint) TO '{target}' "
        f"(FORMAT parquet, CODEC '{codec}', ROW_GROUP_SIZE {row_group_rows}, PARQUET_VERSION v1)"
    )
    _duckdb.unregister("checkpoint")
