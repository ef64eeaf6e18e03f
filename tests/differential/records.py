"""Message sets of magic 0 and 1; batches of magic 2 are in tests/e2e/wire.py."""

import gzip
import struct
import zlib

TIME = 1_700_000_000_000
GZIP = 1


def blob(data, length=None):
    number = length if length is not None else -1 if data is None else len(data)
    return struct.pack(">i", number) + (data or b"")


def message(value=b"value", key=None, magic=1, attributes=0, timestamp=TIME, offset=0, crc=None, size=None,
            key_length=None, value_length=None, trailer=b""):
    """One message with its offset and size; what is not given is right."""
    body = struct.pack(">bb", magic, attributes) + (struct.pack(">q", timestamp) if magic else b"")
    body += blob(key, key_length) + blob(value, value_length) + trailer
    body = struct.pack(">I", zlib.crc32(body) if crc is None else crc) + body
    return struct.pack(">qi", offset, len(body) if size is None else size) + body


def wrapped(inner, magic=1, codec=GZIP, offset=0, attributes=0, content=None, **options):
    packed = content if content is not None else gzip.compress(inner)
    return message(packed, None, magic, attributes | codec, offset=offset, **options)


def several(count, magic=1, first=0):
    return b"".join(message(b"value %d" % i, b"key", magic, offset=first + i) for i in range(count))
