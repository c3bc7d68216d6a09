#!/bin/busybox sh
# The first program of a virtual machine that runs one benchmark.
/bin/busybox --install -s /bin
export PATH=/usr/bin:/bin HOME=/tmp NO_COLOR=1 OBJECTS=/objects L3AF_BENCH_REPEAT=20000
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t bpf bpf /sys/fs/bpf
cd /l3af || exit
echo "@@ started $(uname -r)"
node --expose-gc $(cat /l3af/benchmark) >/tmp/out
code=$?
echo '@@ result'
node -e 'console.log(JSON.stringify({ code: Number(process.argv[1]), text: require("fs").readFileSync("/tmp/out", "utf8") }))' $code | gzip | base64
echo '@@ result end'
echo "@@ ended $code"
poweroff -f
