import duckdb
import numpy  # noqa: F401, else the read imports it

from told import names, path, told

selected = ", ".join(f'"{name}"' for name in names)
with told():
    read = duckdb.sql(f"SELECT {selected} FROM read_parquet('{path}')").fetchnumpy()
assert list(read) == names, list(read)
