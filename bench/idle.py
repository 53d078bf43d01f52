#!/usr/bin/env python3
"""idle - what the recorder takes while a hundred containers do nothing: memory and processor."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

from recorder import TOP, Amber, call


def start_all(work, count):
    root = os.path.join(work, "root")
    for folder in ("bin", "proc", "dev", "tmp"):
        os.makedirs(os.path.join(root, folder))
    shutil.copy(shutil.which("busybox"), os.path.join(root, "bin", "busybox"))
    for number in range(count):
        bundle = os.path.join(work, f"bundle-{number}")
        os.makedirs(bundle)
        call(os.path.join(TOP, "tools", "oci-bundle"), "--rootfs", root, bundle, "/bin/busybox", "sleep", "600")
        subprocess.run(["runc", "--root", f"{work}/runc", "run", "-d", "--bundle", bundle,
                        f"amber-idle-{os.getpid()}-{number}"], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def stop_all(work, count):
    for number in range(count):
        subprocess.run(["runc", "--root", f"{work}/runc", "delete", "-f", f"amber-idle-{os.getpid()}-{number}"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--containers", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=20)
    args = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root, as recording does")
    work = tempfile.mkdtemp(prefix="amber-bench-", dir="/var/tmp")
    amber = Amber(work)
    try:
        amber.start()
        start_all(work, args.containers)
        time.sleep(5)
        before = amber.cpu_seconds()
        time.sleep(args.seconds)
        share = (amber.cpu_seconds() - before) / args.seconds * 100
        with open(f"/proc/{amber.process.pid}/status", encoding="utf-8") as f:
            rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) / 1000
        print(f"{f'memory with {args.containers} containers, MB':<36}{'<= 64':>8}{rss:>12.1f}")
        print(f"{'processor while they idle, % of one':<36}{'<= 0.5':>8}{share:>12.2f}")
    finally:
        stop_all(work, args.containers)
        amber.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
