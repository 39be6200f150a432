"""DuckDB: one SQL query of left joins."""

from checkpoints import KEY, out, paths
from database import connect, quoted

first, *others = [f"read_parquet({quoted(path)}) AS t{number}" for number, path in enumerate(paths)]
joins = " ".join(f"LEFT JOIN {other} USING ({KEY})" for other in others)
connect().execute(f"COPY (SELECT * FROM {first} {joins}) TO {quoted(out)} (FORMAT parquet)")
