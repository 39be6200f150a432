"""Polars at its best: one lazy query over all files, streamed into the output."""

import os

from plan import read_plan

plan = read_plan()
os.environ["POLARS_MAX_THREADS"] = str(plan["threads"])
os.environ["POLARS_TEMP_DIR"] = plan["tempDir"]

import polars as pl  # noqa: E402, reads its settings when it is imported
import polars.selectors as cs  # noqa: E402

# By its exact name: a plain string may be taken for a pattern.
keys = cs.by_name(plan["keys"])
spine = pl.scan_parquet(plan["spine"], glob=False)
key_types = dict(spine.collect_schema())


def on_spine(checkpoint):
    rows = pl.scan_parquet(checkpoint["path"], glob=False, hive_partitioning=False)
    if not checkpoint["aligned"]:
        rows = spine.join(rows.cast(key_types), on=plan["keys"], how="left", maintain_order="left")
    return rows.drop(keys)


wide = pl.concat([spine, *map(on_spine, plan["checkpoints"])], how="horizontal")
wide.sink_parquet(plan["output"], compression=plan["compression"])
