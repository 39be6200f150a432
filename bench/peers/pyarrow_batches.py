"""pyarrow: batches of all files side by side, streamed into the file; in the trust that all have the same keys in the same order."""

import pyarrow as pa
import pyarrow.parquet as pq

from checkpoints import KEY, out, paths

BATCH_ROWS = 16_384


def batches(path, is_first):
    file = pq.ParquetFile(path)
    names = [name for name in file.schema_arrow.names if is_first or name != KEY]
    return file.iter_batches(batch_size=BATCH_ROWS, columns=names)


writer = None
for parts in zip(*(batches(path, path == paths[0]) for path in paths), strict=True):
    columns = {name: part.column(name) for part in parts for name in part.schema.names}
    wide = pa.RecordBatch.from_pydict(columns)
    writer = writer or pq.ParquetWriter(out, wide.schema)
    writer.write_batch(wide)
writer.close()
