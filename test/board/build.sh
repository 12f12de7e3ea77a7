#!/bin/sh
# Builds a virtual board into a folder: Debian 13 with its own kernel, and gpio-sim, a GPIO chip made by the kernel, which
# Debian does not build. It must not know what is tested on it.
#   sh test/board/build.sh FOLDER        as root; makes vmlinuz, initrd.img and disk.ext4 there
# Ends with 0 all there, 1 something failed, 2 usage, 4 a program is missing.
set -eu

[ $# = 1 ] || { echo "usage: sh test/board/build.sh FOLDER" >&2; exit 2; }
lacking=
need() { command -v "$1" >/dev/null 2>&1 || lacking="$lacking $2"; }
need mmdebstrap mmdebstrap
need mke2fs e2fsprogs
need qemu-system-x86_64 qemu-system-x86
[ -z "$lacking" ] || { echo "board: missing; apt-get install --no-install-recommends$lacking" >&2; exit 4; }

mkdir -p "$1"
out=$(CDPATH='' cd -- "$1" && pwd -P)
root=$out/root
rm -rf "$root" "$out/disk.ext4"
trap 'rm -rf "$root"' EXIT

# The mirror that this machine's own apt uses, in either format of its sources.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  sed -n 's,^deb .*\(https\{0\,1\}://[^ ]*\) .*,\1,p; s,^URIs: *\([^ ]*\).*,\1,p' | grep -v security | head -n 1)

# Compiled in there, with the compiler that the kernel was made with; taken out again afterwards.
tools=make,gcc,linux-headers-amd64,linux-source-6.12,xz-utils
echo "board: Debian 13 from $mirror"
mmdebstrap --quiet --mode=root --variant=minbase \
  --include="linux-image-amd64,initramfs-tools,systemd-sysv,udev,kmod,procps,nodejs,gpiod,evemu-tools,$tools" \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' trixie "$root" "${mirror:-http://deb.debian.org/debian}"

echo "board: gpio-sim"
cat >"$root/compile" <<'EOF'
set -eu
headers=$(echo /usr/src/linux-headers-*-amd64)
kernel=${headers#/usr/src/linux-headers-}
mkdir /modules
tar xJf /usr/src/linux-source-6.12.tar.xz -C /modules --strip-components=3 \
  linux-source-6.12/drivers/gpio/gpio-sim.c linux-source-6.12/kernel/irq/irq_sim.c
cd /modules
# Outside the kernel irq_sim lacks a function that is not exported, and a licence.
sed -i 's/handle_simple_irq(irq_to_desc(\([a-z]*\)))/generic_handle_irq(\1)/' irq_sim.c
{ echo '#include <linux/module.h>'; cat irq_sim.c; echo 'MODULE_LICENSE("GPL");'; } >with_licence.c
mv with_licence.c irq_sim.c
echo 'obj-m := irq_sim.o gpio-sim.o' >Kbuild
make -s -C "$headers" M=/modules CONFIG_DEBUG_INFO_BTF_MODULES= modules
mkdir -p "/lib/modules/$kernel/extra"
cp ./*.ko "/lib/modules/$kernel/extra/"
depmod "$kernel"
EOF
chroot "$root" sh /compile
cp -L "$root"/boot/vmlinuz-* "$out/vmlinuz"
cp -L "$root"/boot/initrd.img-* "$out/initrd.img"
rm -rf "$root/compile" "$root/modules" "$root/usr/src" "$root/usr/lib/gcc" "$root/var/cache/apt" "$root/var/lib/apt/lists"

# Runs what the host has put into the shared folder, once, and switches the machine off.
cat >"$root/usr/local/sbin/board" <<'EOF'
#!/bin/sh
modprobe 9pnet_virtio
mkdir -p /share
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 share /share || exit 1
sh /share/run.sh >/share/run.log 2>&1
echo $? >/share/run.code
sync
EOF
cat >"$root/etc/systemd/system/board.service" <<'EOF'
[Unit]
Description=What the host wants run
After=multi-user.target
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/bin/sh /usr/local/sbin/board
[Install]
WantedBy=multi-user.target
EOF
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../board.service "$root/etc/systemd/system/multi-user.target.wants/board.service"
echo board >"$root/etc/hostname"
echo '/dev/vda / ext4 rw,noatime 0 0' >"$root/etc/fstab"

# 2 GB, of which the file holds what is used.
mke2fs -q -t ext4 -d "$root" "$out/disk.ext4" 2G
echo "board: $(du -sh "$out/disk.ext4" | cut -f1) in $out"
