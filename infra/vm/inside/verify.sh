#!/bin/busybox sh
# The first program of a virtual machine that verifies packages.
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/tmp NO_COLOR=1 NODE_OPTIONS=--max-old-space-size=400
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t bpf bpf /sys/fs/bpf
ip link set lo up
cd /l3af || exit
echo "@@ started $(uname -r)"
node verify.cjs
echo "@@ ended $?"
poweroff -f
