"""The named places in the code where Sluice is made to die (proto/kill_point.h), and about how often each is passed in
the life of a process under the load of the rounds: the hit to die at is drawn below that."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]

# While a process starts and loads its partitions.
START = {
    "member.join_sent": 1, "member.joined": 1, "slot.claim_sent": 100, "slot.claimed": 100,
    "producer_ids.block_taken": 1, "recovery.index_read": 3, "recovery.tail_page": 4, "recovery.page_sent": 4,
    "recovery.page_written": 4, "recovery.seal_sent": 3, "recovery.tail_sealed": 3, "recovery.next_segment_sealed": 3,
    "recovery.index_sealed": 3, "recovery.index_written": 3, "partition.loaded": 3,
}
# While it serves.
RUN = {
    "append.admitted": 300, "mutation.before_send": 300, "mutation.sent": 300, "mutation.part_sent": 3,
    "mutation.part_durable": 3, "mutation.durable": 300, "partition.acknowledged": 300, "produce.before_answer": 300,
    "node_socket.written": 400, "client_socket.written": 300, "segment.begun": 2, "segment.index_sent": 2,
    "segment.index_durable": 2, "member.renewal_sent": 1, "member.renewed": 1,
}
# After SIGTERM.
DRAIN = {"gateway.draining": 1, "gateway.idle": 1, "member.close_sent": 1, "member.released": 1}
# While it makes a topic.
TOPIC = {"topic_maker.step": 7}

ALL = START | RUN | DRAIN | TOPIC


def in_source():
    """The names that stand in the code, as often as they stand there."""
    names = []
    for folder in ("proto", "kafka", "cql", "proxy"):
        for file in (ROOT / folder).rglob("*.c"):
            for call in re.findall(r"KILL_POINT\(([^)]*)\)", file.read_text()):
                names += re.findall(r'"([^"]+)"', call)
    return names
