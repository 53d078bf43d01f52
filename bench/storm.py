#!/usr/bin/env python3
"""storm - two processes in a container make events as fast as two cores let them, for ten seconds.

Prints how many events there were, whether one was lost, what the recorder's whole pipeline cost a
million of them, how large the journal became and how much memory the recorder took.  The quota of
the container is switched off: the question is what the pipeline takes, not what it is allowed.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from recorder import TOP, Amber, Container, call


class Recorder(Amber):
    def start(self):
        self.state = tempfile.mkdtemp(prefix="state-", dir=self.work)
        ready = os.path.join(self.state, "ready")
        self.spawn([os.path.join(TOP, "build", "amber"), "--state", self.state, "watch", "--ready", ready,
                    "--set", "quota_rate=0"], ready)
        self.cpu = -self.cpu_seconds()


def storm(container, seconds):
    """Two at once, until the time is over; returns the rounds of each."""
    script = ("i=0; end=$(( $(date +%s) + " + str(seconds) + " )); while [ $(date +%s) -lt $end ]; do "
              "/bench/workload churn 50000 >/dev/null; i=$((i + 1)); done; echo $((i * 50000))")
    both = [subprocess.Popen(["runc", "--root", f"{container.work}/runc", "exec", "--cwd", "/dev/shm",
                              container.id, "sh", "-c", script], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return sum(int(p.communicate()[0]) for p in both)


def query(state, sql):
    out = call(os.path.join(TOP, "build", "amber"), "--state", state, "--json", "query", sql)
    return json.loads(out.splitlines()[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10)
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root, as recording does")
    work = tempfile.mkdtemp(prefix="amber-bench-", dir="/var/tmp")
    recorder, container = Recorder(work), Container(work)
    keep = Recorder.stop
    try:
        recorder.start()
        container.start()
        root = os.path.join(work, "merged", "bench")
        os.makedirs(root)
        shutil.copy(os.path.join(TOP, "build", "bench", "workload"), os.path.join(root, "workload"))
        begin = time.monotonic()
        rounds = storm(container, args.seconds)
        took = time.monotonic() - begin
        state = recorder.state
        time.sleep(1.5)
        cpu = recorder.cpu + recorder.cpu_seconds()
        with open(f"/proc/{recorder.process.pid}/status", encoding="utf-8") as f:
            rss = next(int(line.split()[1]) for line in f if line.startswith("VmHWM:")) / 1000
        recorder.process.terminate()
        recorder.process.wait(60)
        recorder.process = None
        there = query(state, "SELECT count(*) AS n FROM events WHERE type IN ('file.mkdir', 'file.rmdir')"
                      " AND path LIKE '%/churn-%'")["n"]
        rows = query(state, "SELECT sum(n) AS n FROM counts")["n"]
        told = query(state, "SELECT coalesce(sum(lost), 0) AS n FROM events WHERE type = 'gap'")["n"]
        size = sum(e.stat().st_size for e in os.scandir(os.path.join(state, "journal")) if e.is_file())
        print(f"{'events a second, two processes':<36}{'':>8}{rows / took:>12,.0f}")
        print(f"{'events made that are not recorded':<36}{'0':>8}{2 * rounds - there:>12}")
        print(f"{'events told lost by gap records':<36}{'0':>8}{told:>12}")
        print(f"{'recorder CPU, s per million events':<36}{'<= 0.50':>8}{cpu / rows * 1e6:>12.2f}")
        print(f"{'journal, bytes an event':<36}{'<= 20':>8}{size / rows:>12.1f}")
        print(f"{'peak memory, MB':<36}{'<= 64':>8}{rss:>12.1f}")
    finally:
        container.stop()
        keep(recorder) if recorder.process else None
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
