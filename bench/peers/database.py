import duckdb

from checkpoints import limit_bytes, spill_bytes


def connect():
    """It spills into the folder that it runs in. A quarter of the limit is for what DuckDB does not count."""
    connection = duckdb.connect(config={"memory_limit": f"{limit_bytes * 3 // 4 // 2**20}MiB"})
    connection.execute(f"SET max_temp_directory_size = '{spill_bytes // 2**20}MiB'")
    connection.execute("SET enable_progress_bar = false")
    return connection


def quoted(text):
    return "'" + str(text).replace("'", "''") + "'"
