"""pandas: the files by their key, side by side."""

import pandas as pd

from checkpoints import KEY, out, paths

frames = [pd.read_parquet(path).set_index(KEY) for path in paths]
pd.concat(frames, axis=1).reset_index().to_parquet(out, index=False)
