"""What every script here begins with: SOURCES OUT LIMIT_BYTES SPILL_BYTES, and the files in the order of their names."""

import sys
from pathlib import Path

KEY = "interval_time"
paths = sorted(Path(sys.argv[1]).glob("*.parquet"))
out = sys.argv[2]
limit_bytes = int(sys.argv[3])
spill_bytes = int(sys.argv[4])
