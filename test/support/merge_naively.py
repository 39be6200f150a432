"""A merge with pyarrow in memory, whole or with one thing wrong: proves that compare_merged.py notices.

    merge_naively.py DIR OUTPUT ROWS DAMAGE      DAMAGE: `none` or one of those below, done to columns of fitting types
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

KEY = "interval_time"


def instants(table):
    return pd.Index(table[KEY].cast(pa.timestamp("ns", "UTC")).cast(pa.int64()).to_numpy())


def merge(paths, rows):
    tables = [pq.read_table(path) for path in paths]
    keys = [instants(table) for table in tables]
    spine = keys[0]
    if rows != "reference":
        for other in keys[1:]:
            spine = spine.union(other) if rows == "union" else spine.intersection(other)
        spine = spine.sort_values()
    columns = {KEY: pa.array(spine.to_numpy()).cast(pa.timestamp("ns", "UTC"))}
    for table, own in zip(tables, keys):
        found = own.get_indexer(spine)
        for name in table.column_names:
            if name != KEY:
                columns[name] = table[name].take(pa.array(found, mask=found < 0)).combine_chunks()
    return pa.table(columns)


def doubles_where(table, wanted, change):
    """The first double that `wanted` (on its bits) is true of, changed; in the first column that has one."""
    for position, field in enumerate(table.schema):
        if not pa.types.is_float64(field.type):
            continue
        column = table.column(position).combine_chunks()
        column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
        valid = column.is_valid().to_numpy(zero_copy_only=False)
        bits = column.view(pa.int64()).fill_null(0).to_numpy().view(np.uint64).copy()
        rows = np.flatnonzero(valid & wanted(bits))
        if len(rows):
            bits[rows[0]] = change(bits[rows[0]])
            changed = pa.array(bits.view(np.float64), mask=~valid, from_pandas=False)
            return table.set_column(position, field, changed)
    raise SystemExit("no such double in these files")


def first_of(table, test):
    return next(i for i, field in enumerate(table.schema) if i > 0 and test(field.type))


def replace(table, position, array):
    return table.set_column(position, table.schema.field(position).name, array)


def null_to_value(table):
    position = next(i for i in range(1, table.num_columns) if table.column(i).null_count and pa.types.is_int64(table.schema.field(i).type))
    return replace(table, position, table.column(position).fill_null(0))


def without_zone(table):
    position = first_of(table, lambda t: pa.types.is_timestamp(t) and t.tz is not None)
    return replace(table, position, table.column(position).cast(pa.timestamp(table.schema.field(position).type.unit)))


def cut_to_millis(table):
    position = first_of(table, lambda t: pa.types.is_timestamp(t) and t.unit == "us")
    column = table.column(position)
    return replace(table, position, column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(column.type))


def wider_type(table):
    position = first_of(table, pa.types.is_float32)
    return replace(table, position, table.column(position).cast(pa.float64()))


def one_row_lower(table):
    position = table.num_columns - 1
    order = pa.array(np.roll(np.arange(table.num_rows), 1))
    return replace(table, position, table.column(position).take(order))


def other_text(table):
    position = first_of(table, pa.types.is_string)
    return replace(table, position, pc.utf8_upper(table.column(position)))


def swapped_names(table):
    names = table.column_names
    return table.rename_columns(names[:1] + [names[2], names[1]] + names[3:])


INFINITY, SIGN = np.uint64(0x7FF0000000000000), np.uint64(1 << 63)
DAMAGES = {
    "none": lambda table: table,
    "one-bit": lambda t: doubles_where(t, lambda b: (b & INFINITY) != INFINITY, lambda b: b ^ np.uint64(1)),
    "nan-payload": lambda t: doubles_where(t, lambda b: (b & ~SIGN) > INFINITY, lambda b: b ^ np.uint64(2)),
    "minus-zero": lambda t: doubles_where(t, lambda b: b == SIGN, lambda b: np.uint64(0)),
    "null-to-value": null_to_value,
    "zone-lost": without_zone,
    "micros-cut": cut_to_millis,
    "wider-type": wider_type,
    "one-row-lower": one_row_lower,
    "other-text": other_text,
    "row-lost": lambda table: table.slice(0, table.num_rows - 1),
    "row-twice": lambda table: table.take(pa.array([*range(table.num_rows), 0])),
    "rows-reordered": lambda table: table.take(pa.array([*range(1, table.num_rows), 0])),
    "column-lost": lambda table: table.drop_columns([table.column_names[-1]]),
    "column-added": lambda table: table.append_column("stranger", table.column(1)),
    "columns-swapped": lambda table: table.select([0, 2, 1, *range(3, table.num_columns)]),
    "names-swapped": swapped_names,
    "key-last": lambda table: table.select([*range(1, table.num_columns), 0]),
}


def main():
    folder, output, rows, *damages = sys.argv[1:]
    merged = merge(sorted(Path(folder).glob("*.parquet")), rows)
    for damage in damages:
        pq.write_table(DAMAGES[damage](merged), Path(output) / f"{damage}.parquet")


if __name__ == "__main__":
    main()
