"""pandas at its best: Arrow's types, which keep null apart from NaN and integers whole, and one concat along the columns."""

import pandas as pd
import pyarrow.parquet as pq

from plan import read_plan, tell

plan = read_plan()
spine = pq.read_table(plan["spine"], partitioning=None)
keys = pd.Index(spine[plan["key"]].to_pandas())


def on_spine(checkpoint):
    table = pq.read_table(checkpoint["path"], partitioning=None)
    own = table[plan["key"]].cast(spine.schema.field(0).type)
    frame = to_frame(table.drop_columns([plan["key"]]))
    if not checkpoint["aligned"]:
        frame = frame.set_axis(pd.Index(own.to_pandas())).reindex(keys).reset_index(drop=True)
    return frame


def to_frame(table):
    return table.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)


frames = [to_frame(spine)]
for number, checkpoint in enumerate(plan["checkpoints"], start=1):
    frames.append(on_spine(checkpoint))
    tell(number, len(plan["checkpoints"]) + 1)
pd.concat(frames, axis=1).to_parquet(plan["output"], index=False, compression=plan["compression"])
