#!/usr/bin/env python3
"""cri - asks a container runtime over CRI (runtime.v1), as a kubelet does.

    cri.py SOCKET run IMAGE POD NAMESPACE NAME LOG_FOLDER COMMAND...    prints the ids of sandbox and container
    cri.py SOCKET remove SANDBOX

The pod is in the host's network.  gRPC is one length-prefixed message in an HTTP/2 body, so curl is client
enough; the fields are those of k8s.io/cri-api/pkg/apis/runtime/v1/api.proto."""

import struct
import subprocess
import sys

NODE = 2  # NamespaceMode


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def take_varint(data, at):
    n = shift = 0
    while True:
        n |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return n, at


def first_text(message):
    """The value of field 1: every answer here has an id there."""
    key, at = take_varint(message, 0)
    length, at = take_varint(message, at)
    if key != 1 << 3 | 2:
        raise ValueError(f"an answer without an id: {message!r}")
    return message[at:at + length].decode()


def call(socket, method, message):
    argv = ["curl", "--silent", "--show-error", "--fail", "--max-time", "30", "--http2-prior-knowledge", "--unix-socket",
            socket, "--header", "content-type: application/grpc", "--header", "te: trailers", "--data-binary", "@-",
            "--dump-header", "/dev/stderr", f"http://localhost/runtime.v1.RuntimeService/{method}"]
    done = subprocess.run(argv, input=b"\0" + struct.pack(">I", len(message)) + message, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if done.returncode or b"grpc-status: 0" not in done.stderr:
        sys.exit(f"cri: {method}: {done.stderr.decode(errors='replace')}")
    return done.stdout[5:]


def run(socket, image, pod, namespace, name, logs, *command):
    linux = field(2, field(1, field(1, NODE)))
    sandbox = field(1, field(1, pod) + field(2, f"uid-of-{pod}") + field(3, namespace)) + field(3, logs) + field(8, linux)
    sandbox_id = first_text(call(socket, "RunPodSandbox", field(1, sandbox)))
    labels = {"io.kubernetes.pod.name": pod, "io.kubernetes.pod.namespace": namespace,
              "io.kubernetes.pod.uid": f"uid-of-{pod}", "io.kubernetes.container.name": name}
    config = field(1, field(1, name)) + field(2, field(1, image)) + b"".join(field(3, word) for word in command)
    for key, value in labels.items():
        config += field(9, field(1, key) + field(2, value))
    config += field(11, f"{name}/0.log")
    container_id = first_text(call(socket, "CreateContainer", field(1, sandbox_id) + field(2, config) + field(3, sandbox)))
    call(socket, "StartContainer", field(1, container_id))
    print(sandbox_id, container_id)


def remove(socket, sandbox_id):
    call(socket, "StopPodSandbox", field(1, sandbox_id))
    call(socket, "RemovePodSandbox", field(1, sandbox_id))


if __name__ == "__main__":
    verbs = {"run": run, "remove": remove}
    verbs[sys.argv[2]](sys.argv[1], *sys.argv[3:])
