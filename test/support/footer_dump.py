"""What the footers of Parquet files say, field by field, with no Parquet library: statistics keep their raw bytes.

    footer_dump.py FILE...    {FILE: {columns: {NAME: {schema, ordered, chunks: [{statistics, ...}]}}, ...}}

A Thrift compact struct is read as {field id: value}; bytes are shown as hex. Ids are those of parquet.thrift.
"""

import json
import struct
import sys


class Compact:
    def __init__(self, data):
        self.data, self.at = data, 0

    def varint(self):
        result = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result
            shift += 7

    def zigzag(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def value(self, kind, in_list=False):
        if kind in (1, 2):
            if in_list:
                self.at += 1
                return self.data[self.at - 1] == 1
            return kind == 1
        if kind == 3:
            self.at += 1
            return struct.unpack("b", self.data[self.at - 1 : self.at])[0]
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 7:
            self.at += 8
            return struct.unpack("<d", self.data[self.at - 8 : self.at])[0]
        if kind == 8:
            size = self.varint()
            self.at += size
            return self.data[self.at - size : self.at]
        if kind in (9, 10):
            return self.items()
        if kind == 12:
            return self.struct()
        raise ValueError(f"Thrift type {kind} at {self.at}")

    def items(self):
        head = self.data[self.at]
        self.at += 1
        size = head >> 4
        if size == 15:
            size = self.varint()
        return [self.value(head & 15, in_list=True) for _ in range(size)]

    def struct(self):
        fields, last = {}, 0
        while True:
            head = self.data[self.at]
            self.at += 1
            if head == 0:
                return fields
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = self.value(head & 15)


def read_footer(path):
    with open(path, "rb") as file:
        file.seek(-8, 2)
        size, magic = struct.unpack("<I4s", file.read(8))
        if magic != b"PAR1":
            raise SystemExit(f"{path}: ends with {magic}")
        file.seek(-8 - size, 2)
        return Compact(file.read(size)).struct()


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list) else value


def describe(path):
    footer = read_footer(path)
    leaves = [element for element in footer[2][1:] if 5 not in element]
    orders = footer.get(7, [{}] * len(leaves))
    columns = {}
    for position, (leaf, order) in enumerate(zip(leaves, orders)):
        chunks = [group[1][position] for group in footer[4]]
        columns[leaf[4].decode()] = {
            "schema": plain({k: v for k, v in leaf.items() if k not in (4, 9)}),
            "ordered": 1 in order,
            "chunks": [
                {
                    "statistics": plain(chunk[3].get(12)),
                    "sizes": plain(chunk[3].get(16)),
                    "codec": chunk[3][4],
                    "encodings": chunk[3][2],
                    "values": chunk[3][5],
                    "bytes": [chunk[3][6], chunk[3][7]],
                }
                for chunk in chunks
            ],
        }
    return {
        "rows": footer[3],
        "groups": [group[3] for group in footer[4]],
        "createdBy": footer.get(6, b"").decode(),
        "metadata": [pair[1].decode() for pair in footer.get(5, [])],
        "columns": columns,
    }


if __name__ == "__main__":
    json.dump({path: describe(path) for path in sys.argv[1:]}, sys.stdout)
