#!/usr/bin/env python3
"""recorder - what recording costs the recorded: ratios against no recorder, in one run.

Every round starts each recorder in turn, a fresh container under it, and the same work inside.
The figure is the least time with a recorder over the least time without, of all rounds, for what is done
is the same each time and whatever else runs can only add.  Behind it, in brackets, the median of the
rounds' own ratios: what somebody sees who measures once.  Peers are measured where they are installed.
Nothing here fails because something was slow.
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)

ROUNDS = {"null": 2000000, "open": 300000, "open-write": 100000, "exec": 1500, "write": 8000, "tcp": 15000}
REPEATS = 3
DISK_BYTES = 2 << 30
TRACEFS = "/sys/kernel/tracing"
ASKED = {"open": 1.20, "exec": 1.08, "write": 1.30, "tcp": 1.05, "build": 1.05,
         "http": 1.14, "http-close": 1.14, "outside open": 1.08}
WORKS = ["null", "open", "open-write", "exec", "write", "tcp", "build", "http", "http-close", "outside open"]


def call(*argv, **kw):
    return subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE, **kw).stdout


class Recorder:
    """One thing that may watch while the work is done; start and stop it by pid."""
    name = "none"

    def __init__(self, work):
        self.work = work
        self.process = None

    def available(self):
        return True

    def spawn(self, argv, ready=None, seconds=20):
        log = open(os.path.join(self.work, self.name + ".log"), "ab")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + seconds
        while ready and not os.path.exists(ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start; see {log.name}")
            time.sleep(0.05)

    def start(self):
        pass

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


class Floor(Recorder):
    name = "floor"

    def start(self):
        ready = os.path.join(self.work, "floor.ready")
        if os.path.exists(ready):
            os.unlink(ready)
        build = os.path.join(TOP, "build", "bench")
        self.spawn([os.path.join(build, "floor"), os.path.join(build, "floor.bpf.o"), ready], ready)


class Amber(Recorder):
    name = "amber"

    def __init__(self, work):
        super().__init__(work)
        self.cpu = self.events = self.bytes = self.lost = 0
        self.gaps = set()
        self.rss = 0

    def start(self):
        self.state = tempfile.mkdtemp(prefix="state-", dir=self.work)
        ready = os.path.join(self.state, "ready")
        self.spawn([os.path.join(TOP, "build", "amber"), "--state", self.state, "watch",
                    "--ready", ready], ready)
        self.cpu -= self.cpu_seconds()  # loading and verifying the programs is no event's cost

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if not self.process:
            return
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    self.rss = max(self.rss, int(line.split()[1]) * 1024)
        self.cpu += self.cpu_seconds()
        super().stop()
        out = call(os.path.join(TOP, "build", "amber"), "--state", self.state, "--json", "query",
                   "SELECT (SELECT count(*) FROM events) AS n, (SELECT coalesce(sum(lost),0) FROM events"
                   " WHERE type='gap') AS lost")
        row = json.loads(out.splitlines()[0])
        gaps = call(os.path.join(TOP, "build", "amber"), "--state", self.state, "query",
                    "SELECT reason, sum(lost), path, text FROM events WHERE type='gap' GROUP BY 1, 3, 4")
        self.gaps.update(line.strip() for line in gaps.splitlines()[1:])
        self.events += row["n"]
        self.lost += row["lost"]
        journal = os.path.join(self.state, "journal")
        self.bytes += sum(os.path.getsize(os.path.join(journal, f)) for f in os.listdir(journal))
        shutil.rmtree(self.state)


class Auditd(Recorder):
    """auditd with the rules that give about what Amber records: exec, connect, file changes."""
    name = "auditd"

    def available(self):
        return shutil.which("auditd") and shutil.which("auditctl")

    def start(self):
        conf = os.path.join(self.work, "audit")
        os.makedirs(conf, exist_ok=True)
        with open(os.path.join(conf, "auditd.conf"), "w", encoding="utf-8") as f:
            f.write(f"log_file = {conf}/audit.log\nlog_format = RAW\nflush = INCREMENTAL_ASYNC\nfreq = 50\n"
                    "max_log_file = 400\nnum_logs = 2\nmax_log_file_action = ROTATE\n"
                    "space_left_action = IGNORE\nadmin_space_left_action = IGNORE\n"
                    "disk_full_action = IGNORE\ndisk_error_action = IGNORE\n")
        os.chmod(conf, 0o700)
        self.spawn(["auditd", "-n", "-c", conf])
        time.sleep(1)
        call("auditctl", "-e", "1", stderr=subprocess.DEVNULL)
        call("auditctl", "-b", "65536", stderr=subprocess.DEVNULL)
        for rule in ("open,openat,creat,openat2", "execve,execveat", "connect,accept,accept4,bind",
                     "rename,renameat,renameat2,unlink,unlinkat"):
            call("auditctl", "-a", "always,exit", "-F", "arch=b64", "-S", rule, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.process:
            subprocess.run(["auditctl", "-D"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            subprocess.run(["auditctl", "-e", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().stop()


class Bpftrace(Recorder):
    name = "bpftrace"

    def available(self):
        return shutil.which("bpftrace")

    def start(self):
        program = """
        tracepoint:syscalls:sys_enter_openat { printf("%d %s open %s\\n", pid, comm, str(args->filename)); }
        tracepoint:syscalls:sys_enter_execve { printf("%d %s exec %s\\n", pid, comm, str(args->filename)); }
        tracepoint:syscalls:sys_enter_connect { printf("%d %s connect\\n", pid, comm); }
        tracepoint:syscalls:sys_enter_accept4 { printf("%d %s accept\\n", pid, comm); }
        tracepoint:syscalls:sys_enter_rename { printf("%d %s rename %s\\n", pid, comm, str(args->oldname)); }
        tracepoint:syscalls:sys_enter_unlink { printf("%d %s unlink %s\\n", pid, comm, str(args->pathname)); }
        """
        self.mounted = not os.path.isdir(f"{TRACEFS}/events")
        if self.mounted:
            call("mount", "-t", "tracefs", "tracefs", TRACEFS)
        self.out = os.path.join(self.work, "bpftrace.out")
        self.spawn(["bpftrace", "-o", self.out, "-e", program])
        time.sleep(4)
        if self.process.poll() is not None:
            raise RuntimeError(f"bpftrace did not start; see {self.work}/bpftrace.log")

    def stop(self):
        if not self.process:
            return
        super().stop()
        if self.mounted:
            call("umount", TRACEFS)
        with open(self.out, "rb") as f:
            if sum(1 for _ in f) < 2:
                raise RuntimeError("bpftrace recorded nothing")


class Container:
    """A runc container on an overlay of the host's root, so that compilers and servers are inside.

    What it writes goes to a new ext4 of its own: without a journal, as some hosts have it, ext4 walks over all
    inodes that were deleted in the last minutes for each file that is made, which is no recorder's doing."""

    def __init__(self, work):
        self.work = work
        self.id = f"amber-bench-{os.getpid()}"

    def start(self):
        for folder in ("disk", "merged", "bundle"):
            os.makedirs(os.path.join(self.work, folder), exist_ok=True)
        image = os.path.join(self.work, "disk.img")
        with open(image, "wb") as f:
            f.truncate(DISK_BYTES)
        call("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        call("mount", "-o", "loop", image, f"{self.work}/disk")
        for folder in ("upper", "ovl"):
            os.makedirs(os.path.join(self.work, "disk", folder))
        call("mount", "-t", "overlay", "overlay", "-o",
             f"lowerdir=/,upperdir={self.work}/disk/upper,workdir={self.work}/disk/ovl", f"{self.work}/merged")
        call(os.path.join(TOP, "tools", "oci-bundle"), "--rootfs", f"{self.work}/merged",
             "--host-network", f"{self.work}/bundle", "/bin/sleep", "3600")
        # Not through a pipe: the container would hold its other end open.
        subprocess.run(["runc", "--root", f"{self.work}/runc", "run", "-d", "--bundle",
                        f"{self.work}/bundle", self.id], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self, *argv, cwd="/bench"):
        return call("runc", "--root", f"{self.work}/runc", "exec", "--cwd", cwd, self.id, *argv,
                    stdin=subprocess.DEVNULL)

    def stop(self):
        subprocess.run(["runc", "--root", f"{self.work}/runc", "delete", "-f", self.id],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for folder in ("merged", "disk"):
            if os.path.ismount(f"{self.work}/{folder}"):
                call("umount", f"{self.work}/{folder}")
        image = os.path.join(self.work, "disk.img")
        if os.path.exists(image):
            os.unlink(image)


def prepare(container):
    root = os.path.join(container.work, "merged")
    os.makedirs(os.path.join(root, "bench"))
    shutil.copy(os.path.join(TOP, "build", "bench", "workload"), os.path.join(root, "bench", "workload"))
    source = os.path.join(root, "bench", "project")
    shutil.copytree(os.path.join(TOP, "src"), source)
    with open(os.path.join(root, "bench", "build.sh"), "w", encoding="utf-8") as f:
        f.write("set -e\ncd /bench/project\nfor f in base/*.c; do gcc -O1 -D_GNU_SOURCE -I. -c $f -o $f.o; done\n"
                "tar -cf /bench/project.tar .\nrm -f base/*.o\n")
    with open(os.path.join(root, "bench", "nginx.conf"), "w", encoding="utf-8") as f:
        f.write("daemon off; user root; worker_processes 1; pid /bench/nginx.pid; error_log /dev/null;\n"
                "events { worker_connections 256; }\n"
                "http { access_log off; client_body_temp_path /bench/b; proxy_temp_path /bench/p;\n"
                " fastcgi_temp_path /bench/f; uwsgi_temp_path /bench/u; scgi_temp_path /bench/s;\n"
                " server { listen 127.0.0.1:18080; location / { root /bench/www; } } }\n")
    os.makedirs(os.path.join(root, "bench", "www"))
    with open(os.path.join(root, "bench", "www", "index.html"), "w", encoding="utf-8") as f:
        f.write("x" * 612)


def http(container, header, seconds):
    """Nanoseconds per request, by wrk outside the container."""
    server = subprocess.Popen(["runc", "--root", f"{container.work}/runc", "exec", container.id,
                               "nginx", "-c", "/bench/nginx.conf"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.7)
    argv = ["wrk", "-t1", "-c8", f"-d{seconds}s", "http://127.0.0.1:18080/index.html"]
    out = call(*argv, *(["-H", "Connection: close"] if header else []))
    rate = next(float(line.split()[1]) for line in out.splitlines() if line.startswith("Requests/sec"))
    with open(os.path.join(container.work, "merged", "bench", "nginx.pid"), encoding="utf-8") as f:
        container.run("kill", "-QUIT", f.read().strip())  # the pid inside its own namespace
    server.wait(20)
    return 1e9 / rate


def outside(work, rounds):
    folder = os.path.join(work, "outside")
    os.makedirs(folder, exist_ok=True)
    return float(call(os.path.join(TOP, "build", "bench", "workload"), "open", str(rounds), cwd=folder))


def measure(container, name, scale):
    """Nanoseconds of each of some repeats."""
    if name == "build":
        return [float(container.run("/bench/workload", "run", "sh", "/bench/build.sh")) for _ in range(2)]
    if name in ("http", "http-close"):
        return [http(container, name == "http-close", max(1, round(3 * scale))) for _ in range(2)]
    if name == "outside open":
        return [outside(container.work, int(ROUNDS["open"] * scale)) for _ in range(REPEATS)]
    rounds = str(int(ROUNDS[name] * scale))
    return [float(container.run("/bench/workload", name, rounds)) for _ in range(REPEATS)]


def one_round(work, recorder, works, scale):
    container = Container(work)
    times = {}
    recorder.start()
    try:
        container.start()
        prepare(container)
        for name in works:
            times[name] = measure(container, name, scale)
    finally:
        container.stop()
        recorder.stop()
    return times


def cell(recorder, work, times):
    with_it, without = times[recorder][work], times[Recorder.name][work]
    median = statistics.median(min(a) / min(b) for a, b in zip(with_it, without))
    return f"{min(map(min, with_it)) / min(map(min, without)):>8.2f} ({median:>4.2f})"


def table(recorders, works, times):
    print(f"\n{'time with / without':<24}{'asked':>8}" + "".join(f"{r.name:>15}" for r in recorders))
    for name in works:
        asked = f"<= {ASKED[name]:.2f}" if name in ASKED else ""
        print(f"{name:<24}{asked:>8}" + "".join(cell(r.name, name, times) for r in recorders))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the work of each round")
    parser.add_argument("--only", default="", help="recorders, separated by commas")
    parser.add_argument("--works", default=",".join(WORKS))
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root, as recording does")
    works = args.works.split(",")
    work = tempfile.mkdtemp(prefix="amber-bench-", dir="/var/tmp")
    try:
        everyone = [Floor(work), Amber(work), Auditd(work), Bpftrace(work)]
        wanted = args.only.split(",") if args.only else [r.name for r in everyone]
        recorders = [r for r in everyone if r.name in wanted and r.available()]
        everyone = [Recorder(work), *recorders]
        times = {r.name: {name: [] for name in works} for r in everyone}
        for number in range(args.rounds):
            for recorder in everyone:
                for name, taken in one_round(work, recorder, works, args.scale).items():
                    times[recorder.name][name].append(taken)
            print(f"round {number + 1} of {args.rounds} done", file=sys.stderr)
        table(recorders, works, times)
        amber = next((r for r in recorders if r.name == "amber"), None)
        if amber and amber.events:
            print(f"\n{'recorder CPU, s per million events':<36}{'<= 0.50':>8}{amber.cpu / amber.events * 1e6:>10.2f}")
            print(f"{'journal, bytes an event':<36}{'<= 20':>8}{amber.bytes / amber.events:>10.1f}")
            print(f"{'losses told by gap records':<36}{'0':>8}{amber.lost:>10}")
            for gap in sorted(amber.gaps):
                print(f"  gap: {gap}")
            print(f"{'peak memory, MB':<36}{'<= 64':>8}{amber.rss / 1e6:>10.1f}")
            print(f"{'events recorded':<44}{amber.events:>10}")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
