"""Dask at its best: a cluster of processes with memory limits that spill to disk; parts of the rows are put together by
the workers, each a file, and joined into one at the end."""

import logging
from pathlib import Path

import dask
import dask.dataframe as dd
import pandas as pd
import pyarrow.parquet as pq
from distributed import Client, LocalCluster

from plan import read_plan, tell

GIB = 1 << 30
# The scheduler and this process, which writes the output; and what a worker needs before it holds any data.
OWN_BYTES = 300 << 20
LEAST_WORKER_BYTES = 200 << 20


def on_spine(checkpoint, keys, spine_path):
    """Runs in a worker: all rows of one checkpoint, in the order of the spine and numbered by it."""
    table = pq.read_table(checkpoint["path"], partitioning=None)
    frame = table.drop_columns(keys).to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    if checkpoint["aligned"]:
        return frame
    spine = pq.read_table(spine_path, partitioning=None)

    def index_of(rows):
        # In the types of the spine: units may differ.
        columns = [rows[name].cast(spine.schema.field(name).type).to_pandas() for name in keys]
        return pd.Index(columns[0]) if len(columns) == 1 else pd.MultiIndex.from_arrays(columns)

    return frame.set_axis(index_of(table)).reindex(index_of(spine)).reset_index(drop=True)


def read_spine(path):
    return pq.read_table(path, partitioning=None).to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)


def empty_like(path, without=()):
    table = pq.read_schema(path).empty_table().drop_columns(list(without))
    return table.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)


def wide_frame(plan, rows_a_part):
    last = plan["rowCount"] - 1
    whole = (0, last)
    starts = range(0, plan["rowCount"], rows_a_part)
    # The last division is the last row itself, not the one behind it.
    divisions = [start for start in starts if start < last] + [last] if last > 0 else [0, 0]
    spine = dd.from_map(read_spine, [plan["spine"]], meta=empty_like(plan["spine"]), divisions=whole)
    frames = [
        dd.from_map(
            on_spine,
            [checkpoint],
            keys=plan["keys"],
            spine_path=plan["spine"],
            meta=empty_like(checkpoint["path"], plan["keys"]),
            divisions=whole,
        )
        for checkpoint in plan["checkpoints"]
    ]
    return dd.concat([frame.repartition(divisions=divisions) for frame in [spine, *frames]], axis=1)


def join_parts(paths, plan):
    with pq.ParquetWriter(plan["output"], pq.read_schema(paths[0]), compression=plan["compression"]) as writer:
        for number, path in enumerate(paths, start=1):
            writer.write_table(pq.read_table(path, partitioning=None))
            tell(number, len(paths))


def main():
    plan = read_plan()
    for_workers = plan["memoryBytes"] - OWN_BYTES
    workers = max(1, min(plan["threads"], for_workers // (2 * GIB)))
    worker_bytes = max(LEAST_WORKER_BYTES, for_workers // workers)
    # A part is held a few times while it is put together and written.
    rows_a_part = max(10_000, worker_bytes // 8 // (8 * plan["columnCount"]))
    settings = {
        "temporary-directory": plan["tempDir"],
        "dataframe.convert-string": False,
        # A worker that has died of its memory once will do so again.
        "distributed.scheduler.allowed-failures": 0,
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=workers,
            threads_per_worker=max(1, plan["threads"] // workers),
            processes=True,
            memory_limit=worker_bytes,
            local_directory=plan["tempDir"],
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster),
    ):
        parts = Path(plan["tempDir"]) / "parts"
        wide = wide_frame(plan, rows_a_part)
        wide.to_parquet(parts, write_index=False, compression=plan["compression"])
        # By their numbers: as texts part.10 would come before part.2.
        paths = sorted(parts.glob("part.*.parquet"), key=lambda path: int(path.name.split(".")[1]))
    join_parts(paths, plan)


if __name__ == "__main__":
    logging.getLogger("distributed.shuffle").setLevel(logging.ERROR)
    main()
