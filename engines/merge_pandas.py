"""pandas at its best: Arrow's types, which keep null apart from NaN and integers whole, and one concat along the columns."""

import pandas as pd
import pyarrow.parquet as pq

from plan import read_plan, tell

plan = read_plan()
spine = pq.read_table(plan["spine"], partitioning=None)


def index_of(table):
    # In the types of the spine: units may differ.
    columns = [table[name].cast(spine.schema.field(name).type).to_pandas() for name in plan["keys"]]
    return pd.Index(columns[0]) if len(columns) == 1 else pd.MultiIndex.from_arrays(columns)


keys = index_of(spine)


def on_spine(checkpoint):
    table = pq.read_table(checkpoint["path"], partitioning=None)
    frame = to_frame(table.drop_columns(plan["keys"]))
    if not checkpoint["aligned"]:
        frame = frame.set_axis(index_of(table)).reindex(keys).reset_index(drop=True)
    return frame


def to_frame(table):
    return table.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)


frames = [to_frame(spine)]
for number, checkpoint in enumerate(plan["checkpoints"], start=1):
    frames.append(on_spine(checkpoint))
    tell(number, len(plan["checkpoints"]) + 1)
pd.concat(frames, axis=1).to_parquet(plan["output"], index=False, compression=plan["compression"])
