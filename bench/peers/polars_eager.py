"""Polars, eager: one left join after the other."""

import polars as pl

from checkpoints import KEY, out, paths

wide = pl.read_parquet(paths[0])
for path in paths[1:]:
    wide = wide.join(pl.read_parquet(path), on=KEY, how="left")
wide.write_parquet(out)
