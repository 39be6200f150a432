"""Is the merged file what its sources hold? Written apart from the engine, with pyarrow, numpy and pandas only.

Every value of every source column is looked up by its key and compared bit for bit (floats as integers, so that NaN
payloads and -0.0 count), with nulls, stored types, zones, and the order of columns and rows. One source at a time.
Prints a JSON line for each output: {ok, files, rows, columns, compared, mismatchCount, mismatches: [...]}; exit code 0
where it could compare, whatever it found.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PER_SECOND = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
MOST_REPORTED = 20


class Report:
    def __init__(self):
        self.mismatches = []
        self.count = 0
        self.compared = 0

    def wrong(self, **facts):
        self.count += 1
        if len(self.mismatches) < MOST_REPORTED:
            self.mismatches.append({k: v if isinstance(v, (int, str)) else repr(v) for k, v in facts.items()})


def leaf_count(kind):
    """Columns that Parquet stores for one column of Arrow."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    children = [kind.field(i).type for i in range(kind.num_fields)]
    return sum(map(leaf_count, children)) if children else 1


# With --implied: a signed integer of the physical type's own width says nothing more, and writers differ in saying it.
IMPLIED = {"Int(bitWidth=64, isSigned=true)": "INT64", "Int(bitWidth=32, isSigned=true)": "INT32"}
leave_out_implied = False


def logical_type(leaf):
    text = str(leaf.logical_type)
    return "None" if leave_out_implied and IMPLIED.get(text) == leaf.physical_type else text


class File:
    """A Parquet file whose columns are read by position, since names may differ in case only or hold dots."""

    def __init__(self, path):
        self.path = Path(path)
        self.parquet = pq.ParquetFile(path)
        self.rows = self.parquet.metadata.num_rows
        self.names = self.parquet.schema_arrow.names
        counts = [leaf_count(kind) for kind in self.parquet.schema_arrow.types]
        ends = np.cumsum(counts)
        self.leaves = [range(end - count, end) for count, end in zip(counts, ends)]

    def position(self, name):
        return self.names.index(name)

    def read(self, positions):
        leaves = [leaf for position in positions for leaf in self.leaves[position]]
        table = self.parquet.reader.read_all(column_indices=leaves, use_threads=True)
        # The reader answers in the order of the file.
        return dict(zip(sorted(positions), table.columns, strict=True))

    def stored_type(self, position):
        """What the file says of a column: physical type, length and logical type with unit and zone, of each leaf."""
        leaves = [self.parquet.schema.column(leaf) for leaf in self.leaves[position]]
        return [(leaf.physical_type, leaf.length, logical_type(leaf)) for leaf in leaves]


def bits(column):
    """Values as something that compares bit for bit: integers, or bytes."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_floating(kind):
        return array.view({16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[kind.bit_width])
    if pa.types.is_timestamp(kind):
        # Parquet has no seconds; an Arrow schema in a source may bring them back.
        unit = "ms" if kind.unit == "s" else kind.unit
        return array.cast(pa.timestamp(unit, kind.tz)).view(pa.int64())
    if pa.types.is_duration(kind) or pa.types.is_date64(kind) or pa.types.is_time64(kind):
        return array.view(pa.int64())
    if pa.types.is_decimal(kind):
        return array.cast(pa.decimal256(kind.precision, kind.scale))
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    if any(is_kind(kind) for is_kind in text + binary):
        return array.cast(pa.large_binary())
    return array


def key_index(column):
    """Keys as a pandas index of exact instants (ns), integers or strings."""
    if pa.types.is_timestamp(column.type):
        ticks = bits(column).to_numpy()
        factor = PER_SECOND["ms" if column.type.unit == "s" else column.type.unit]
        nanoseconds = ticks * factor
        if not np.array_equal(nanoseconds // factor, ticks):
            raise SystemExit("key values beyond the years that nanoseconds can count")
        return pd.Index(nanoseconds)
    values = bits(column)
    if pa.types.is_large_binary(values.type):
        return pd.Index(values.to_pylist(), dtype=object)
    values = values.view(pa.int32()) if pa.types.is_date32(values.type) else values
    return pd.Index(values.cast(pa.int64()).to_numpy())


def expected_rows(rows, reference, indexes):
    """The keys that the output must have, as an index; for `reference` in its order, else ascending."""
    if rows == "reference":
        return indexes[reference]
    result = None
    for index in indexes.values():
        if result is None:
            result = index
        elif not result.equals(index):
            result = result.union(index) if rows == "union" else result.intersection(index)
    return result.sort_values()


def compare_column(report, source, merged, name, wanted, actual, lookup, keys):
    expected = bits(wanted).take(lookup)
    actual = bits(actual)
    report.compared += len(expected)
    if expected.type != actual.type:
        report.wrong(file=source.path.name, column=name, what="type", expected=expected.type, actual=actual.type)
        return
    if expected.equals(actual):
        return
    different = pc.not_equal(expected, actual).fill_null(False)
    nulls = pc.xor(expected.is_null(), actual.is_null())
    where = np.flatnonzero(pc.or_(different, nulls).to_numpy(zero_copy_only=False))
    row = int(where[0]) if len(where) else -1
    report.wrong(
        file=source.path.name, column=name, what="value", rows=len(where), row=row, key=str(keys[row]),
        expected=expected[row], actual=actual[row],
    )  # fmt: skip


def compare_columns(report, source, merged, key, offset, keys, own_keys, batch=64):
    """All columns of a source but its key, which are the output's from `offset` on; returns the next offset."""
    positions = [i for i, name in enumerate(source.names) if name != key]
    found = own_keys.get_indexer(keys)
    lookup = pa.array(found, mask=found < 0)
    for start in range(0, len(positions), batch):
        part = positions[start : start + batch]
        targets = [offset + start + i for i in range(len(part))]
        if targets[-1] >= len(merged.names):
            report.wrong(file=source.path.name, what="columns missing in the output", after=merged.names[-1])
            break
        wanted, actual = source.read(part), merged.read(targets)
        for position, target in zip(part, targets):
            name = source.names[position]
            if merged.names[target] != name:
                report.wrong(file=source.path.name, what="column order", expected=name, actual=merged.names[target])
                continue
            before, after = source.stored_type(position), merged.stored_type(target)
            if before != after:
                report.wrong(file=source.path.name, column=name, what="stored type", expected=before, actual=after)
            compare_column(report, source, merged, name, wanted[position], actual[target], lookup, keys)
    return offset + len(positions)


def has_zone(stored_type):
    return "isAdjustedToUTC=true" in stored_type[0][2]


def compare(paths, output, key, rows, reference):
    report = Report()
    merged = File(output)
    if merged.names[0] != key:
        report.wrong(what="the key is not the first column", actual=merged.names[0])
    indexes = {path.name: read_key(File(path), key) for path in paths}
    expected = expected_rows(rows, reference or paths[0].name, indexes)
    keys = read_key(merged, key)
    merged_key = merged.stored_type(merged.position(key))
    first = File(paths[0])
    if has_zone(merged_key) != has_zone(first.stored_type(first.position(key))):
        report.wrong(what="zone of the key", actual=merged_key)
    # Where the files agree on another order than the ascending one, it stays.
    kept = rows != "reference" and any(keys.equals(index) for index in indexes.values())
    if not keys.equals(expected) and not (kept and keys.sort_values().equals(expected)):
        missing, extra = expected.difference(keys), keys.difference(expected)
        report.wrong(
            what="keys", missing=len(missing), extra=len(extra), expected=len(expected), actual=len(keys),
            what_else="order or repeats" if len(missing) == len(extra) == 0 else "",
        )  # fmt: skip
    offset = 1
    for path in paths:
        offset = compare_columns(report, File(path), merged, key, offset, keys, indexes[path.name])
    if offset < len(merged.names):
        report.wrong(what="columns that no source has", first=merged.names[offset], count=len(merged.names) - offset)
    return {
        "ok": report.count == 0,
        "files": len(paths),
        "rows": merged.rows,
        "columns": len(merged.names),
        "compared": report.compared,
        "mismatchCount": report.count,
        "mismatches": report.mismatches,
    }


def read_key(file, key):
    position = file.position(key)
    return key_index(file.read([position])[position])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=Path)
    parser.add_argument("outputs", type=Path, nargs="+")
    parser.add_argument("--key", default="interval_time")
    parser.add_argument("--rows", choices=["union", "reference", "intersection"], default="union")
    parser.add_argument("--reference", help="file name; default the first")
    parser.add_argument("--pattern", default="*.parquet")
    parser.add_argument("--implied", choices=["same"], help="types that say the same in other words are the same")
    options = parser.parse_args()
    global leave_out_implied
    leave_out_implied = options.implied == "same"
    paths = sorted(set(options.dir.glob(options.pattern)) - set(options.outputs), key=lambda path: path.name)
    for output in options.outputs:
        print(json.dumps(compare(paths, output, options.key, options.rows, options.reference), ensure_ascii=False))


if __name__ == "__main__":
    main()
