"""One Sluice process under test."""

import itertools
import os
import re
import signal
import subprocess
import time

from node import ROOT, free_port

BINARY = os.environ.get("SLUICE_BIN", str(ROOT / "build" / "release" / "sluice"))
_keyspaces = itertools.count(1)


class Sluice:
    """Starts on the same port and keyspace each time, so that clients find it again after a restart."""

    def __init__(self, cassandra, directory, partitions=3, settings=(), keyspace=None):
        self.port = free_port()
        self.keyspace = keyspace or f"e2e_{os.getpid()}_{next(_keyspaces)}"
        self.log_path = directory / f"{self.keyspace}-{self.port}.log"
        self.command = [BINARY, "serve", "--listen", self.address, "--contact-points", cassandra.address,
                        "--keyspace", self.keyspace, "--set", f"topics.num_partitions={partitions}"]
        for setting in settings:
            self.command += ["--set", setting]
        self.process = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def launch(self):
        """Starts it without waiting for anything."""
        self.log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self

    def start(self, within=30):
        self.launch()
        self.wait_for(r"\bready\b", within)
        return self

    def log(self):
        """What this run of it logged."""
        with open(self.log_path, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode(errors="backslashreplace")

    def wait_for(self, pattern, within=30, after=0):
        """Waits for a log line that matches; returns it."""
        until = time.monotonic() + within
        while True:
            ended = self.process.poll() is not None
            for line in self.log()[after:].splitlines():
                if re.search(pattern, line):
                    return line
            assert not ended, f"sluice ended with {self.process.returncode}:\n{self.log()[-3000:]}"
            assert time.monotonic() < until, f"no line /{pattern}/ within {within} s:\n{self.log()[-3000:]}"
            time.sleep(0.02)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def terminate(self, within=40):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"sluice did not end within {within} s of SIGTERM:\n{self.log()[-3000:]}") from None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        """Ends it at the end of a test; a crash on the way is an error of that test."""
        if self.process is None:
            return
        status = self.process.poll() if self.process.poll() is not None else self.terminate()
        self.process = None
        assert status in (0, -signal.SIGKILL), f"sluice ended with {status}:\n{self.log()[-3000:]}"
