#!/bin/busybox sh
# The first process of a test bed: mounts what a system has, then does what the host says, line by line, and
# tells how each line ended.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
while read -r module; do insmod "$module"; done </modules
# Firmware tables bound the processor driver before there were clocks to cool with: bind it again.
for cpu in /sys/bus/cpu/drivers/processor/cpu*; do
    [ -e "$cpu" ] || continue
    echo "${cpu##*/}" >/sys/bus/cpu/drivers/processor/unbind
    echo "${cpu##*/}" >/sys/bus/cpu/drivers/processor/bind
done
stty -echo
echo '<ready>'
while read -r line; do
    eval "$line"
    echo "<$?>"
done
