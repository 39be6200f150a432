"""Do pandas, pyarrow and Polars read a merged file as they read its sources, types, indexes and metadata of fields included?

    read_described.py FOLDER...    of each: FOLDER/sources/*.parquet and FOLDER/merged.parquet

Prints JSON: [{columns: the number compared, index: name and types of the index in pandas}]. Ends with an error where they do not.
"""

import json
import os
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
from pandas.testing import assert_frame_equal


def compare(source, merged):
    own, whole = pq.read_schema(source), pq.read_schema(merged)
    rows = pq.read_metadata(source).num_rows
    aligned = rows == pq.read_metadata(merged).num_rows
    for name in own.names:
        before, after = own.field(name), whole.field(name)
        before = before if aligned else before.with_nullable(True)
        assert after.equals(before, check_metadata=True), f"{before} became {after}"

    before, after = pd.read_parquet(source), pd.read_parquet(merged)
    selected = after[before.columns]
    if not aligned:
        selected = selected.loc[before.index].astype(before.dtypes)
    assert_frame_equal(selected, before, check_freq=False)

    before, after = pl.read_parquet(source), pl.read_parquet(merged, columns=own.names)
    assert after.schema == before.schema, f"{before.schema} became {after.schema}"
    if aligned:
        assert after.equals(before)
    assert pl.scan_parquet(merged).select(own.names).collect().schema == before.schema

    names = ", ".join(f'"{name}"' for name in own.names)
    counted = duckdb.sql(f"SELECT count(COLUMNS(*)) FROM (SELECT {names} FROM '{merged}')").fetchall()
    assert min(counted[0]) > 0
    return len(own.names)


def describe(folder):
    merged = Path(folder) / "merged.parquet"
    columns = sum(compare(source, merged) for source in sorted(Path(folder).glob("sources/*.parquet")))
    index = pd.read_parquet(merged).index
    return {"columns": columns, "index": [index.name, str(index.dtype), type(index).__name__]}


if __name__ == "__main__":
    json.dump([describe(folder) for folder in sys.argv[1:]], sys.stdout)
    sys.stdout.flush()
    # Four libraries have threads of their own here, and one of them aborts now and then when the interpreter ends in peace.
    os._exit(0)
