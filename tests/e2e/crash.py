#!/usr/bin/env python3
"""crash - kills recorders with SIGKILL at random moments and looks at what they left.

    crash.py AMBER DIR ROUNDS LANES

Each lane is a state directory with one recorder at a time, started, killed, verified, started again.
Three rounds of five are killed after the recorder said that it is ready, the others before.  Prints one
line a claim that held (`kills N`, `verified N`, ...) and what did not hold, with status 1."""

import glob
import json
import os
import random
import subprocess
import sys
import threading
import time

READY_S = 60


class Lane(threading.Thread):
    def __init__(self, amber, folder, rounds, seed):
        super().__init__()
        self.amber, self.state, self.rounds = amber, os.path.join(folder, "state"), rounds
        self.ready, self.log = os.path.join(folder, "ready"), os.path.join(folder, "log")
        self.random = random.Random(seed)
        self.wrong, self.kills, self.verified, self.kept, self.told, self.torn = [], 0, 0, 0, 0, 0
        self.killed_ready_ns = []  # when one that was ready was killed
        self.start_s = 2.0  # how long a start takes here

    def ask(self, sql):
        text = subprocess.run([self.amber, "--state", self.state, "query", "--json", sql], check=True,
                              capture_output=True, text=True, timeout=60).stdout
        return [json.loads(line) for line in text.splitlines()]

    def rows(self, first):
        """All rows from a segment on, each as one text."""
        rows = self.ask("SELECT segment, block, row, type, boot_ns, pid, path, argv FROM events"
                        f" WHERE segment >= {first}")
        return {json.dumps(row, sort_keys=True) for row in rows}

    def newest(self):
        names = glob.glob(os.path.join(self.state, "journal/*.seg"))
        return max((int(os.path.basename(n)[:-4]) for n in names), default=0)

    def launch(self):
        if os.path.exists(self.ready):
            os.unlink(self.ready)
        with open(self.log, "a", encoding="utf-8") as log:
            return subprocess.Popen([self.amber, "--state", self.state, "watch", "--ready", self.ready, "--set",
                                     "flush=50ms;keep_logs=off"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_ready(self, watch):
        began = time.monotonic()
        while not os.path.exists(self.ready):
            if watch.poll() is not None or time.monotonic() - began > READY_S:
                return False
            time.sleep(0.01)
        self.start_s = time.monotonic() - began
        return True

    def kill_one(self, number):
        first, seen, ready = self.newest(), set(), False
        watch = self.launch()
        try:
            if number % 5 < 3:
                ready = self.wait_ready(watch)
                if not ready:
                    return self.wrong.append(f"round {number}: it did not start")
                time.sleep(self.random.uniform(0.05, 0.8))
                seen = self.rows(first)
                time.sleep(self.random.uniform(0, 0.1))
            else:
                time.sleep(self.random.uniform(0, self.start_s))
        finally:
            watch.kill()
            killed_ns = time.time_ns()
            watch.wait()
        self.kills += 1
        if ready:
            self.killed_ready_ns.append(killed_ns)
        if not os.path.exists(os.path.join(self.state, "keys/host.pub")):
            return None  # killed before it had made anything
        check = subprocess.run([self.amber, "--state", self.state, "verify"], capture_output=True, text=True,
                               timeout=60, check=False)
        torn = check.returncode == 3 and check.stdout.count("file ends within block") == 1
        self.torn += torn  # killed within a write: the next start sets it aside
        if check.returncode and not torn:
            self.wrong.append(f"round {number}: verify ended with {check.returncode}: {check.stdout}{check.stderr}")
        self.verified += check.returncode == 0 or torn
        if seen:
            missing = seen - self.rows(first)
            self.kept += len(seen)
            if missing:
                self.wrong.append(f"round {number}: {len(missing)} of {len(seen)} rows are gone, as {missing.pop()}")
        return None

    def end(self):
        """One more run, that ends in order; then every death must have been told."""
        watch = self.launch()
        if not self.wait_ready(watch):
            self.wrong.append("it does not start any more")
        watch.terminate()
        watch.wait(60)
        gaps = self.ask("SELECT reason, from_time, to_time FROM events WHERE type='gap'")
        for killed in self.killed_ready_ns:
            if any(g["reason"] == "not_running" and ns_of(g["from_time"]) <= killed <= ns_of(g["to_time"])
                   for g in gaps):
                self.told += 1
            else:
                self.wrong.append(f"no gap not_running tells of the kill at {killed}")
        torn = len(glob.glob(os.path.join(self.state, "journal/*.torn")))
        said = sum(g["reason"] == "torn_tail" for g in gaps)
        if torn < self.torn or said > torn:
            self.wrong.append(f"{said} gaps torn_tail for {torn} torn tails, {self.torn} seen")
        check = subprocess.run([self.amber, "--state", self.state, "verify"], capture_output=True, text=True,
                               timeout=60, check=False)
        if check.returncode:
            self.wrong.append(f"in the end: {check.stdout}{check.stderr}")

    def run(self):
        try:
            for number in range(self.rounds):
                self.kill_one(number)
            self.end()
        except (subprocess.SubprocessError, OSError, ValueError) as e:
            self.wrong.append(f"{e} {getattr(e, 'stderr', '')}")


def ns_of(value):
    if isinstance(value, int) or value is None:
        return value or 0
    whole, _, part = value.rstrip("Z").partition(".")
    seconds = int(subprocess.run(["date", "-u", "-d", whole + "Z", "+%s"], check=True, capture_output=True).stdout)
    return seconds * 10**9 + int((part + "000000000")[:9])


def main():
    amber, folder, rounds, lanes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    seed = int(os.environ.get("AMBER_E2E_SEED", time.time_ns()))
    print(f"seed {seed}", flush=True)
    all_lanes = []
    for i in range(lanes):
        place = os.path.join(folder, f"lane-{i}")
        os.makedirs(place)
        all_lanes.append(Lane(amber, place, rounds // lanes, seed + i))
    for lane in all_lanes:
        lane.start()
    for lane in all_lanes:
        lane.join()
    for what in ("kills", "verified", "kept", "told", "torn"):
        print(what, sum(getattr(lane, what) for lane in all_lanes))
    print("ready kills", sum(len(lane.killed_ready_ns) for lane in all_lanes))
    wrong = [w for lane in all_lanes for w in lane.wrong]
    for w in wrong:
        print("WRONG", w)
    return 1 if wrong else 0


sys.exit(main())
