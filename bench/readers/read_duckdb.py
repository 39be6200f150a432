import duckdb

from told import names, path, told

selected = ", ".join(f'"{name}"' for name in names)
with told():
    read = duckdb.sql(f"SELECT {selected} FROM read_parquet('{path}')").fetchnumpy()
assert list(read) == names, list(read)
