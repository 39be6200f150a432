"""Writes checkpoints with page indexes, many small pages in each chunk, by pyarrow and Polars: DIR/{0,1,2}.parquet.

Prints JSON for read_with.py: [{file, filters: [{column, type, value}]}]. Values rise, so that a page index rules most pages out.
"""

import json
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from data_columns import key_values

ROWS = 6000
GROUP_ROWS = 3000


def columns(i):
    index = np.arange(ROWS, dtype=np.int64)
    yield f"i{i}", pa.array(index * (i + 3))
    yield f"f{i}", pa.array(np.where(index % 11 == 0, np.nan, index / 7))
    yield f"b{i}", pa.array(index % 2 == 0)
    # Whole pages of nulls: their bounds are empty.
    yield f"s{i}", pa.array([None if j < ROWS // 3 else f"é{j:06}" for j in index])
    yield f"d{i}", pa.array([f"{j // 900}" for j in index]).dictionary_encode()
    yield f"l{i}", pa.array([[j, j + 1][: j % 3] for j in index], pa.list_(pa.int64()))


def main(folder):
    folder = Path(folder)
    folder.mkdir(parents=True)
    written = []
    for i in range(3):
        table = pa.table({"interval_time": pa.array(key_values(ROWS)).cast(pa.timestamp("us", "UTC")), **dict(columns(i))})
        path = folder / f"{i}.parquet"
        if i == 1:
            pl.from_arrow(table).write_parquet(path, row_group_size=GROUP_ROWS, data_page_size=3000)
        else:
            pq.write_table(
                table,
                path,
                write_page_index=True,
                row_group_size=GROUP_ROWS,
                write_batch_size=100,
                data_page_size=3000,
                data_page_version="1.0" if i == 0 else "2.0",
            )
        filters = [
            {"column": f"i{i}", "type": "int64", "value": str((ROWS - 40) * (i + 3))},
            {"column": f"s{i}", "type": "string", "value": f"é{ROWS // 3 + 20:06}"},
            {"column": f"d{i}", "type": "string", "value": "4"},
        ]
        written.append({"file": str(path), "filters": filters})
    json.dump(written, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
