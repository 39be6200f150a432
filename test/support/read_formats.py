"""Is a merged file, in the eyes of each reader, what its sources are?

    read_formats.py KEY TASKS      a line of TASKS: merged file TAB source TAB source ...

Every column of every source is read in the source and in the merged file, row by row of the same key; where the merged file has
other rows they must be null. Prints JSON {reader: [verdict, one a line]}: "same" values and types; "other type" where the values are
those of the sources and a type is not; "unreadable" where the reader can read a source no better; else what is wrong.
"""

import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import read_with
from compare_merged import bits, key_index

# From the best to the worst.
VERDICTS = ["same", "other type", "unreadable"]


def read_columns(reader, path, names):
    """Name -> (values, type), or the reader's error; one by one where they cannot be read together."""
    try:
        return read_with.READ[reader](path, names)
    # Polars panics with what is no Exception.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        if len(names) == 1:
            return {names[0]: error}
    return {name: value for one in names for name, value in read_columns(reader, path, [one]).items()}


def is_error(read):
    return isinstance(read, BaseException)


def whole(values):
    return pa.concat_arrays(values.chunks) if values.num_chunks != 1 else values.chunk(0)


def plain_bits(array):
    """Without what Arrow puts around the values of a type."""
    array = array.storage if isinstance(array, pa.ExtensionArray) else array
    return bits(pa.chunked_array([array]))


def compare(of_source, of_merged, lookup):
    expected, actual = whole(of_source[0]), whole(of_merged[0])
    rest = np.setdiff1d(np.arange(len(actual)), lookup)
    if actual.take(pa.array(rest, pa.int64())).null_count != len(rest):
        return "not null where the source has no row"
    actual = actual.take(pa.array(lookup))
    types = [read_with.plain_type(kind) for _, kind in (of_source, of_merged)]
    if types[0] == types[1] and plain_bits(expected).equals(plain_bits(actual)):
        return "same"
    try:
        # A duration is whole numbers then, categories are texts, and ns are compared with us.
        if plain_bits(expected).cast(plain_bits(actual).type).equals(plain_bits(actual)):
            return "other type"
        if bits(pa.chunked_array([expected.cast(actual.type)])).equals(plain_bits(actual)):
            return "other type"
    except pa.ArrowException as error:
        return f"of the type {types[1]} instead of {types[0]}: {error}"
    return f"other values, of the type {types[1]} where the source has {types[0]}"


def keys_of(read):
    return key_index(pa.chunked_array([whole(read[0])]))


def compare_files(reader, key, merged, sources):
    verdicts = []
    keys = keys_of(read_columns("pyarrow", merged, [key])[key])
    # A reader may fail on a file for one column of it.
    fails = False
    for path in sources:
        names = pq.read_schema(path).names
        in_source, in_merged = (read_columns(reader, file, names) for file in (path, merged))
        fails = fails or any(map(is_error, in_source.values()))
        lookup = keys.get_indexer(keys_of(read_columns("pyarrow", path, [key])[key]))
        if (lookup < 0).any():
            verdicts.append("rows are missing")
        for name in names:
            if is_error(in_source[name]) or is_error(in_merged[name]):
                if is_error(in_merged[name]):
                    verdicts.append("unreadable" if is_error(in_source[name]) else f"unreadable: {in_merged[name]}")
            elif name != key:
                verdicts.append(f"{name}: {compare(in_source[name], in_merged[name], lookup)}")
            elif not keys_of(in_source[key]).equals(keys_of(in_merged[key]).take(lookup)):
                verdicts.append(f"{name}: other keys")
    return worst(verdicts, fails)


def worst(verdicts, fails):
    found = 0
    for verdict in verdicts:
        words = verdict.split(": ")
        if fails and words[0] == "unreadable":
            words = ["unreadable"]
        if words[-1] not in VERDICTS:
            return verdict[:300]
        found = max(found, VERDICTS.index(words[-1]))
    return VERDICTS[found]


def main():
    pa.set_cpu_count(1)
    key, path = sys.argv[1:]
    with open(path) as lines:
        tasks = [line.rstrip("\n").split("\t") for line in lines]
    answers = {
        reader: [compare_files(reader, key, merged, sources) for merged, *sources in tasks] for reader in read_with.READ
    }
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
