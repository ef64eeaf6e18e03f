"""The records of the kill tests. What a record holds follows from its producer, partition and sequence, so the checker
needs no log of what was sent to compare every byte. KillProducer.java makes the same."""

from typing import NamedTuple
from zlib import crc32

BASE_MS = 1_700_000_000_000
BLOCK_BYTES = 512 * 1024
OVERSIZED_BYTES = 350_000  # above the topics.max_message_bytes that the tests set
MAX_MESSAGE_BYTES = 300_000


def _block():
    x, block = 29120, bytearray(BLOCK_BYTES)
    for i in range(BLOCK_BYTES):
        x = (x * 1103515245 + 12345) & 0x7FFFFFFF
        block[i] = x >> 16 & 0xFF
    return bytes(block)


BLOCK = _block()


class Content(NamedTuple):
    key: bytes | None
    value: bytes
    headers: tuple  # of (str, bytes)
    timestamp: int  # ms


def is_oversized(producer, sequence):
    """Producers with a name in -x send some records that must be refused."""
    return producer.endswith("-x") and sequence % 3000 == 1999


def size_of(producer, sequence, mix):
    """Many records of producers in -b are large, so that a batch takes several mutations."""
    if is_oversized(producer, sequence):
        return OVERSIZED_BYTES
    kind, more = mix % 10000, mix // 10000
    if producer.endswith("-b") and kind < 3000:
        return 20_000 + more % 20_000
    if kind < 9700:
        return 20 + more % 100
    if kind < 9950:
        return 500 + more % 3000
    return 20_000 + more % 20_000 if kind < 9990 else 90_000


def content(producer, partition, sequence):
    name = b"%s|%d|%d|" % (producer.encode(), partition, sequence)
    mix = crc32(name)
    size = size_of(producer, sequence, mix)
    start = mix % (BLOCK_BYTES - size)
    payload = BLOCK[start:start + size]
    return Content(None if mix % 3 == 0 else b"k%d" % (mix % 1000), b"%s%08x|%s" % (name, crc32(payload), payload),
                   (("n", b"%d" % sequence),) if mix % 7 == 0 else (), BASE_MS + sequence)


def identify(value):
    """(producer, partition, sequence) that a value says it is; None: it says nothing."""
    parts = value[:100].split(b"|", 3) if value else []
    try:
        return parts[0].decode(), int(parts[1]), int(parts[2])
    except (IndexError, ValueError):
        return None
