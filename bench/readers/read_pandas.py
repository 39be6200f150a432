import pandas as pd

from told import names, path, told

with told():
    read = pd.read_parquet(path, columns=names)
assert list(read.columns) == names, list(read.columns)
