import pyarrow.dataset  # noqa: F401, else the read imports it
import pyarrow.parquet as pq

from told import names, path, told

with told():
    read = pq.read_table(path, columns=names)
assert read.column_names == names, read.column_names
