"""Writes Parquet files again by another writer, in place: one line of JSON a file on standard input, an empty line back.

{path, writer, rowGroupRows, variant, casts: {column: [unit, zone or null]}}: see writers.write.
"""

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from writers import write

for line in sys.stdin:
    order = json.loads(line)
    table = pq.read_table(order["path"], partitioning=None)
    for name, (unit, zone) in order["casts"].items():
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table[name].cast(pa.timestamp(unit, zone)))
    write(order["writer"], table, order["path"], None, order["rowGroupRows"], order["variant"])
    print(flush=True)
