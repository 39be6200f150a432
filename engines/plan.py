"""What widemerge hands to an engine (docs/engines.md), and how an engine tells how far it is."""

import json
import sys


def read_plan():
    with open(sys.argv[1], encoding="utf-8") as file:
        return json.load(file)


def tell(done, total):
    print(json.dumps({"done": done, "total": total}), flush=True)
