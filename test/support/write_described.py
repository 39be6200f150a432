"""Writes checkpoints of which only metadata of Arrow and pandas tells all: DIR/MODE/sources/{0,1,2}.parquet.

    write_described.py DIR MODE...

`key`: the key is the index of pandas; `rows`: it is a column; `misaligned`: as `key`, with other rows in each file; `polars`: by Polars, but for
one file by pyarrow without pandas.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 600


def frame(i):
    index = range(ROWS)
    return pd.DataFrame(
        {
            "interval_time": pd.date_range("2024-01-01", periods=ROWS, freq="5min", tz="Europe/Berlin").as_unit("us"),
            f"category{i}": pd.Categorical([f"word {j % 5}" for j in index], ordered=i == 1),
            f"numbers{i}": pd.Categorical([j % 3 * 10 for j in index]),
            f"elapsed{i}": pd.to_timedelta(np.arange(ROWS), unit="s"),
            f"text{i}": [f"é{j}" for j in index],
            f"nullable{i}": pd.array([None if j % 3 else j for j in index], "Int32"),
            f"number{i}": np.arange(ROWS) / 3,
            f"period{i}": pd.period_range("2020", periods=ROWS, freq="D"),
            f"zone{i}": pd.date_range("2024-01-01", periods=ROWS, freq="s", tz="America/New_York"),
            f"day{i}": pd.date_range("2024-01-01", periods=ROWS).date,
        }
    )


def table(i):
    index = range(ROWS)
    return pa.table(
        {
            "interval_time": pa.array(np.arange(ROWS) * 1_000_000).cast(pa.timestamp("us", "UTC")),
            f"category{i}": pa.array([f"word {j % 5}" for j in index]).dictionary_encode(),
            f"elapsed{i}": pa.array(range(ROWS)).cast(pa.duration("ms")),
            f"large{i}": pa.array([f"é{j}" for j in index], pa.large_string()),
            f"list{i}": pa.array([[str(j)] * (j % 3) for j in index], pa.large_list(pa.large_string())),
            f"struct{i}": pa.array([{"a": j, "b": {"c": str(j)}} for j in index]),
            f"seconds{i}": pa.array(range(ROWS)).cast(pa.timestamp("s", "Asia/Tokyo")),
        }
    )


def write(folder, mode):
    folder = Path(folder) / mode / "sources"
    folder.mkdir(parents=True)
    for i in range(3):
        path = folder / f"{i}.parquet"
        if mode == "polars":
            if i == 1:
                described = table(i).append_column(f"id{i}", pa.array([bytes([j % 256]) * 16 for j in range(ROWS)], pa.uuid()))
                pq.write_table(described, path)
            else:
                pl.from_arrow(table(i)).write_parquet(path)
            continue
        own = frame(i)
        if mode == "misaligned":
            own = own.iloc[i * 10 : ROWS - 20 + i * 10].reset_index(drop=True)
        (own if mode == "rows" else own.set_index("interval_time")).to_parquet(path)


if __name__ == "__main__":
    for mode in sys.argv[2:]:
        write(sys.argv[1], mode)
