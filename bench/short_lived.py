#!/usr/bin/env python3
"""short_lived - containers that live under 100 ms, each dropping, running and unlinking its own payload.

    bench/short_lived.py [--count N] [--engine runc|docker] [--amber FILE] [--dir DIR]

Starts a recorder on a state of its own, then the containers one after the other, removed like
`--rm` does, and afterwards asks: is every payload recovered by its hash, and has every container its
identity on its first event?  Status 0 when both hold for all.  Docker is the one of DOCKER_HOST."""

import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
SCRIPT = "cat /opt/base /opt/own >/tmp/p; chmod 755 /tmp/p; /tmp/p; rm /tmp/p"
PAYLOAD = 'int main(void) { return 0; }\n'
READY_S = 30
SETTLE_S = 3  # for what is written once a second


class Failed(Exception):
    """The bench cannot be made here."""


def run(args, **options):
    return subprocess.run(args, check=True, capture_output=True, text=True, timeout=120, **options).stdout


class Bench:
    def __init__(self, args, work):
        self.args, self.work = args, work
        self.state, self.root = os.path.join(work, "state"), os.path.join(work, "root")
        self.lives_ms = []

    def make_root(self):
        for folder in ("bin", "dev", "etc", "opt", "proc", "sys", "tmp"):
            os.makedirs(os.path.join(self.root, folder))
        busybox = shutil.which("busybox")
        if not busybox:
            raise Failed("busybox is not there: apt-get install busybox-static")
        shutil.copy(busybox, os.path.join(self.root, "bin/busybox"))
        for applet in ("sh", "cat", "chmod", "rm"):
            os.symlink("busybox", os.path.join(self.root, "bin", applet))
        base = os.path.join(self.root, "opt/base")
        run(["gcc", "-O2", "-static", "-x", "c", "-o", base, "-"], input=PAYLOAD)
        with open(base, "rb") as f:
            self.base = f.read()

    def amber(self, *words):
        return run([self.args.amber, "--state", self.state, *words])

    def start(self):
        ready, settings = os.path.join(self.work, "ready"), []
        if self.args.engine == "docker":
            host = os.environ.get("DOCKER_HOST", "unix:///run/docker.sock")
            settings = ["--set", "docker_socket=" + host.removeprefix("unix://")]
        self.log = open(os.path.join(self.work, "watch.log"), "w+", encoding="utf-8")
        self.watch = subprocess.Popen([self.args.amber, "--state", self.state, "watch", "--ready", ready, *settings],
                                      stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + READY_S
        while not os.path.exists(ready):
            if self.watch.poll() is not None or time.monotonic() > deadline:
                raise Failed("the recorder did not start: " + self.said())
            time.sleep(0.05)

    def said(self):
        self.log.flush()
        with open(self.log.name, encoding="utf-8", errors="replace") as f:
            return f.read()

    def stop(self):
        if self.watch.poll() is None:
            self.watch.terminate()
        return self.watch.wait(60)

    def run_runc(self, name, own):
        """A bundle on an overlay of its own, which is taken away at once."""
        bundle = os.path.join(self.work, name)
        for folder in ("upper", "ovl", "rootfs"):
            os.makedirs(os.path.join(bundle, folder))
        rootfs = os.path.join(bundle, "rootfs")
        run(["mount", "-t", "overlay", "overlay", "-o",
             f"lowerdir={self.root},upperdir={bundle}/upper,workdir={bundle}/ovl", rootfs])
        try:
            with open(os.path.join(rootfs, "opt/own"), "wb") as f:
                f.write(own)
            run([os.path.join(ROOT, "tools/oci-bundle"), "--rootfs", rootfs, "--cgroup", "/amber-bench/" + name,
                 bundle, "/bin/sh", "-c", SCRIPT])
            run(["runc", "--root", os.path.join(self.work, "runc"), "run", "--bundle", bundle, name],
                stdin=subprocess.DEVNULL)
        finally:
            run(["umount", "-l", rootfs])
            shutil.rmtree(bundle)

    def run_docker(self, name, own):
        folder = os.path.join(self.work, name)
        os.makedirs(folder)
        with open(os.path.join(folder, "own"), "wb") as f:
            f.write(own)
        run(["docker", "run", "--rm", "--name", name, "--network", "none", "-v", f"{folder}/own:/opt/own:ro",
             self.image, "sh", "-c", SCRIPT], stdin=subprocess.DEVNULL)
        shutil.rmtree(folder)

    def import_image(self):
        self.image = f"amber-bench-{os.getpid()}:1"
        with subprocess.Popen(["tar", "-C", self.root, "-c", "."], stdout=subprocess.PIPE) as tar:
            run(["docker", "import", "-", self.image], stdin=tar.stdout)

    def storm(self):
        one = self.run_runc
        if self.args.engine == "docker":
            self.import_image()
            one = self.run_docker
        self.wanted = {}
        for i in range(self.args.count):
            name, own = f"short-{os.getpid()}-{i}", f"\nown {i} {os.urandom(16).hex()}\n".encode()
            one(name, own)
            self.wanted[name] = hashlib.sha256(self.base + own).hexdigest()

    def lines(self, sql):
        return [json.loads(line) for line in self.amber("query", "--json", sql).splitlines()]

    def recovered(self):
        """By hash, one after the other, and each hashed again here."""
        n = 0
        for name, digest in self.wanted.items():
            out = os.path.join(self.work, "out")
            got = subprocess.run([self.args.amber, "--state", self.state, "vault", "get", digest, "--out", out],
                                 capture_output=True, text=True, timeout=60, check=False)
            if got.returncode == 0:
                with open(out, "rb") as f:
                    n += hashlib.sha256(f.read()).hexdigest() == digest
                os.unlink(out)
            else:
                print(f"missing  {name}: {got.stderr.strip()}", file=sys.stderr)
        return n

    def named(self):
        """Containers whose first event says who they are: with docker, name and image; with runc, which
        has neither, the container's id, and a program whose first event is the container's own."""
        rows = self.lines("SELECT container, container_name, image, boot_ns FROM events WHERE container IS NOT NULL"
                          " AND type NOT IN ('container.state', 'gap') ORDER BY boot_ns")
        ids = {row["name"] or row["id"]: row["id"] for row in self.lines("SELECT id, name FROM containers")}
        self.ids = {ids.get(name) for name in self.wanted}  # others may run on this host too
        first = {}
        for row in rows:
            first.setdefault(row["container"], row)
        n = 0
        for name in self.wanted:
            row = first.get(ids.get(name, ""))
            if not row:
                print(f"missing  {name} has no event", file=sys.stderr)
            elif self.args.engine == "docker":
                n += row["container_name"] == name and row["image"] == self.image
            else:
                n += row["container"] == name
        return n

    def lives(self):
        """From the container's first program to its end, by its own events."""
        rows = self.lines("SELECT container, min(boot_ns) a, max(boot_ns) b FROM events WHERE vpid = 1 AND type IN"
                          " ('process.exec', 'process.exit') AND container IS NOT NULL GROUP BY 1")
        return [(row["b"] - row["a"]) / 1e6 for row in rows if row["container"] in self.ids]

    def holds(self):
        """The closing line of the recorder."""
        return next((line.split("contents kept, ")[1] for line in self.said().splitlines() if "starts held" in line),
                    "not told")

    def undo(self):
        if hasattr(self, "watch"):
            self.stop()
        if hasattr(self, "image"):
            subprocess.run(["docker", "rmi", "-f", self.image], capture_output=True, check=False)
        for parent in ["/sys/fs/cgroup"] + [e.path for e in os.scandir("/sys/fs/cgroup") if e.is_dir()]:
            try:
                os.rmdir(os.path.join(parent, "amber-bench"))
            except OSError:
                pass  # not there, or another run uses it


def measure(bench):
    bench.make_root()
    bench.start()
    began = time.monotonic()
    bench.storm()
    took = time.monotonic() - began
    time.sleep(SETTLE_S)
    code = bench.stop()
    count, recovered, named = bench.args.count, bench.recovered(), bench.named()
    lives = bench.lives()
    gaps = bench.lines("SELECT reason, count(*) n, sum(lost) lost FROM events WHERE type='gap' GROUP BY 1")
    print(f"engine {bench.args.engine}, {count} containers in {took:.1f} s, recorder ended with {code}")
    print(f"life, first program to end: median {statistics.median(lives):.0f} ms, longest {max(lives):.0f} ms"
          if lives else "life: no container was seen")
    print(f"payloads recovered {recovered} of {count}")
    print(f"named on first event {named} of {count}")
    print(f"start hold: {bench.holds()}")
    for gap in gaps:
        print(f"gap {gap['reason']}: {gap['n']} records, {gap['lost']} lost")
    return 0 if recovered == named == count else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--engine", choices=("runc", "docker"), default="runc")
    parser.add_argument("--amber", default=os.path.join(ROOT, "build/amber"))
    parser.add_argument("--dir", help="where the state and the bundles go")
    args = parser.parse_args()
    work = tempfile.mkdtemp(prefix="amber-short.", dir=args.dir)
    os.chmod(work, 0o755)
    bench = Bench(args, work)
    try:
        return measure(bench)
    except (Failed, subprocess.SubprocessError) as e:
        print(f"short_lived: {e}\n{getattr(e, 'stderr', '') or ''}", file=sys.stderr)
        return 2
    finally:
        bench.undo()
        shutil.rmtree(work, ignore_errors=True)


sys.exit(main())
