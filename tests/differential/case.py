"""What a case is: steps on one connection, each a request whose reply (or close, or silence) is compared."""

from dataclasses import dataclass, field
from typing import Any, Callable

import schema

SHARED = "shared"  # a topic with three partitions that is there; offsets in it are not compared
OWN = "own"        # in a request: this case's own topic, new; offsets are compared


@dataclass
class Step:
    api: schema.Api
    version: int
    values: dict | Callable[[Any], dict] = field(default_factory=dict)  # or a function of the Server
    silent: bool = False         # maybe no reply is to come, so none is waited for long
    raw: bytes | None = None     # instead: bytes after the size, as they are
    own: bool = False            # it speaks of the case's own topic, which is made before
    wait_s: float = 0            # before it is sent
    again: Callable[[dict], bool] | None = None  # ask again while this is true of the reply


@dataclass
class Case:
    name: str
    steps: list[Step]
    kafka: str | None = None  # "3" or "4"; None: 4, or 3 where 4 does not know the version

    def brokers(self):
        oldest_of_4 = {0: 3, 2: 1, 19: 2, 20: 1, 29: 1, 32: 1, 35: 1}
        old = any(s.version < oldest_of_4.get(s.api.key, 0) for s in self.steps)
        return self.kafka or ("3" if old else "4")

    @property
    def has_own_topic(self):
        return any(step.own for step in self.steps)
