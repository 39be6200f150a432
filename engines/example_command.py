"""A command of one's own, here with pyarrow: command: ["python3", "example_command.py", "{plan}", "{out}"]"""

import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

with open(sys.argv[1], encoding="utf-8") as file:
    plan = json.load(file)
key = plan["key"]
if key is None:
    sys.exit("this command takes a key of one column")
spine = pq.read_table(plan["spine"], partitioning=None)[key]
columns = {key: spine}
for number, checkpoint in enumerate(plan["checkpoints"], start=1):
    table = pq.read_table(checkpoint["path"], partitioning=None)
    if not checkpoint["aligned"]:
        # Where the file has no such key, the row is null.
        own = table[key].cast(spine.type).combine_chunks()
        table = table.take(pc.index_in(spine, value_set=own).combine_chunks())
    columns |= {name: table[name] for name in checkpoint["columns"]}
    print(json.dumps({"done": number, "total": len(plan["checkpoints"])}), flush=True)
pq.write_table(pa.table(columns), sys.argv[2], compression=plan["compression"])
