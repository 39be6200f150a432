"""Writes the checkpoints of one pair: many files that share a key, by four writers, some of them misaligned.

The same arguments give the same values. Prints JSON: {files: [{file, writer, misaligned}], columns, rows}.
"""

import argparse
import json
import multiprocessing
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from data_columns import FIXED_LENGTH, INTERVAL_US, KINDS, key_values, random_walk
from writers import UNSUPPORTED, WRITERS, write

WAYS = ["fewer", "order", "layout", "shifted"]
UNITS = {"us": 1, "ms": 1000, "ns": 1000}


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dir", type=Path)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--columns", type=int, default=100, help="value columns of all files together")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--misaligned", type=float, default=0.0, help="share of the files")
    parser.add_argument("--only-misaligned", action="store_true", help="leave the other files as they are")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--writers", default=",".join(WRITERS))
    parser.add_argument("--key", default="interval_time")
    parser.add_argument("--key-units", default="us", help="of the key, in turn (DuckDB: always us)")
    parser.add_argument("--row-group-rows", type=int, default=1 << 20, help="a multiple of 2,048")
    parser.add_argument("--kinds", choices=["mixed", "numbers"], default="mixed")
    parser.add_argument("--fixed-length", action="store_true", help="also values of fixed length, and float16")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--processes", type=int, default=1)
    return parser.parse_args()


def plan(options):
    """One entry a file; the misaligned ones are spread evenly, and never the first."""
    writers, ways = options.writers.split(","), options.ways.split(",")
    units = options.key_units.split(",")
    count = round(options.files * options.misaligned)
    chosen = {round((i + 0.5) * options.files / count) if count else 0: i for i in range(count)}
    chosen = {min(max(file, 1), options.files - 1): i for file, i in chosen.items()}
    bounds = np.linspace(0, options.columns, options.files + 1).round().astype(int)
    for number in range(options.files):
        turn = chosen.get(number)
        # Files of one writer are not all of one variant, unit or misalignment.
        yield {
            "number": number,
            "file": f"checkpoint_{number:04}.parquet",
            "writer": writers[(number + number // len(ways)) % len(writers)],
            "misaligned": None if turn is None else ways[turn % len(ways)],
            "turn": turn or 0,
            "unit": units[number // len(writers) % len(units)],
            "first": int(bounds[number]),
            "columns": int(bounds[number + 1] - bounds[number]),
        }


def misalign(keys, way, turn, rng):
    """Changed keys and the order of the rows to take; the values of a row stay with it."""
    order = np.arange(len(keys))
    if way == "fewer":
        order = np.sort(rng.choice(order, len(keys) - max(1, len(keys) // 20), replace=False))
    elif way == "order":
        order = rng.permutation(order)
    elif way == "shifted" and turn % 8 < 4:
        keys = keys + INTERVAL_US
    elif way == "shifted":
        keys = keys.copy()
        keys[rng.choice(len(keys), max(1, len(keys) // 100), replace=False)] += INTERVAL_US // 2
    return keys[order], order


def key_array(keys, unit, writer):
    unit = "us" if writer == "duckdb" else unit
    ticks = keys // 1000 if unit == "ms" else keys * UNITS[unit] if unit == "ns" else keys
    return pa.array(ticks).cast(pa.timestamp(unit, "UTC"))


def add_key(table, name, key, number):
    """The key first in every second file, else in the middle; in every third file REQUIRED, as no value is null."""
    table = table.add_column(0 if number % 2 else table.num_columns // 2, name, key)
    if number % 3 == 2:
        table = table.cast(pa.schema([f.with_nullable(table[f.name].null_count > 0) for f in table.schema]))
    return table


def numbers_pool(options):
    """Ready columns to choose from: making 17,000 different ones would take longer than writing them."""
    rng = np.random.default_rng(options.seed)
    # Prices have five digits; the wilder ones have more different values, and take more bytes.
    walks = [np.round(random_walk(rng, options.rows) * scale, 5) for _ in range(30) for scale in (1, 3, 9)]
    counts = [rng.integers(0, 50, options.rows).astype(np.float64) for _ in range(30)]
    for column in walks[::3]:
        column[rng.random(options.rows) < 0.02] = np.nan
    return [pa.array(c) for c in walks + counts] + [pa.array(c, from_pandas=True) for c in walks[::3]]


def value_columns(options, entry, rng, pool):
    if pool is not None:
        picks = rng.integers(0, len(pool), entry["columns"])
        return {f"f{entry['number']:04}_c{i:02}": pool[pick] for i, pick in enumerate(picks)}
    left_out = UNSUPPORTED[entry["writer"]] | (set() if options.fixed_length else FIXED_LENGTH)
    kinds = [k for k in KINDS if k not in left_out]
    columns = {}
    for i in range(entry["columns"]):
        kind = kinds[(entry["first"] + i) % len(kinds)]
        columns[f"f{entry['number']:04}_{i:02}_{kind}"] = KINDS[kind](rng, options.rows)
    return columns


def write_some(options, entries):
    pool = numbers_pool(options) if options.kinds == "numbers" else None
    for entry in entries:
        rng = np.random.default_rng([options.seed, entry["number"]])
        columns = value_columns(options, entry, rng, pool)
        keys, order = misalign(key_values(options.rows), entry["misaligned"], entry["turn"], rng)
        table = pa.table(columns)
        if entry["misaligned"] in ("fewer", "order"):
            table = table.take(pa.array(order))
        key = key_array(keys, entry["unit"], entry["writer"])
        if entry["writer"] == "pyarrow-default":
            table = table.add_column(0, options.key, key)
        else:
            table = add_key(table, options.key, key, entry["number"])
        group = options.row_group_rows
        if entry["misaligned"] == "layout":
            group = 2048 if group != 2048 else 4096
        write(entry["writer"], table, options.dir / entry["file"], options.key, group, entry["number"] // 4)


def main():
    options = parse()
    options.dir.mkdir(parents=True, exist_ok=True)
    entries = list(plan(options))
    if options.only_misaligned:
        entries = [entry for entry in entries if entry["misaligned"] is not None]
    shares = [(options, entries[i :: options.processes]) for i in range(options.processes)]
    if options.processes == 1:
        write_some(*shares[0])
    else:
        pa.set_cpu_count(1)
        # Spawned: forks of a process with threads may hang.
        with multiprocessing.get_context("spawn").Pool(options.processes) as workers:
            workers.starmap(write_some, shares)
    described = [{k: e[k] for k in ("file", "writer", "misaligned", "columns")} for e in entries]
    json.dump({"files": described, "columns": options.columns, "rows": options.rows}, sys.stdout)


if __name__ == "__main__":
    main()
