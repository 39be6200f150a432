import polars as pl

from told import names, path, told

with told():
    read = pl.scan_parquet(path).select(names).collect()
assert read.columns == names, read.columns
