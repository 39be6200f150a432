"""DuckDB: a positional join, in the trust that all files have the same keys in the same order."""

from checkpoints import KEY, out, paths
from database import connect, quoted

tables = [f"read_parquet({quoted(path)}) AS t{number}" for number, path in enumerate(paths)]
columns = ["t0.*", *(f"t{number}.* EXCLUDE ({KEY})" for number in range(1, len(paths)))]
joined = " POSITIONAL JOIN ".join(tables)
connect().execute(f"COPY (SELECT {', '.join(columns)} FROM {joined}) TO {quoted(out)} (FORMAT parquet)")
