#!/bin/busybox sh
# The first program of a virtual machine of the kernel matrix.
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/tmp NO_COLOR=1 NODE_OPTIONS=--max-old-space-size=900 OBJECTS=/objects
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t bpf bpf /sys/fs/bpf
mount -t tracefs tracing /sys/kernel/tracing 2>/dev/null
mkdir -p /run/netns /dev/shm
for module in $(cat /modules/order); do insmod "/modules/$module" 2>/dev/null; done
ip link set lo up
cd /l3af || exit
echo "@@ started $(uname -r)"
node run.cjs
echo "@@ ended $?"
poweroff -f
