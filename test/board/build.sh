#!/bin/sh
# Builds a virtual board into a folder: Debian 13 with its own kernel, a sound card that is a loop of the kernel's
# (snd-aloop), a GPIO chip that the kernel makes up (gpio-sim, which Debian does not build), a network card for the cable and
# a second one, out of the board's own sight, for whoever looks on. It must not know what is tested on it.
#   sh test/board/build.sh amd64|arm64 FOLDER      as root; makes vmlinuz, initrd.img, disk.ext4 and key there
#   BOARD_MIRROR: the Debian mirror to take it from; that of this machine's own apt without it
# Ends with 0 all there, 2 usage, 1 something failed: a program is missing that `deploy/prerequisites.sh board` brings, say.
set -eu

usage() { echo "usage: sh test/board/build.sh amd64|arm64 FOLDER" >&2; exit 2; }
[ $# = 2 ] || usage
arch=$1
case $arch in amd64 | arm64) ;; *) usage ;; esac
foreign=
[ "$arch" = "$(dpkg --print-architecture)" ] || foreign=yes

mkdir -p "$2"
out=$(CDPATH='' cd -- "$2" && pwd -P)
root=$out/root
# What a build that was killed has left mounted in there is not the board's.
rm -rf --one-file-system "$root" "$out/disk.ext4" "$out/key" "$out/key.pub" "$out/arch" "$out/made-by"
formats=/proc/sys/fs/binfmt_misc
told=
leave() {
  rm -rf --one-file-system "$root"
  [ -z "$told" ] || echo -1 >$formats/qemu-aarch64
}
trap leave EXIT

# The kernel starts programs of another machine through the emulator once it is told how to know them.
if [ -n "$foreign" ]; then
  [ -e $formats/register ] || mount -t binfmt_misc binfmt_misc $formats
  [ -e $formats/qemu-aarch64 ] || {
    cat /usr/lib/binfmt.d/qemu-aarch64.conf >$formats/register
    told=yes
  }
fi

# Debian's own, as this machine's apt has it from its lists; no address of one stands here.
# shellcheck disable=SC2016 # the word is apt's
mirror=${BOARD_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)}
[ -n "$mirror" ] || {
  echo "board: this machine's apt has no lists of Debian: apt-get update, or set BOARD_MIRROR to the address of a mirror" >&2
  exit 1
}

# Compiled in there, with the compiler that the kernel was made with; taken out again afterwards.
tools="make,gcc,linux-headers-$arch,linux-source-6.12,xz-utils"
echo "board: Debian 13 from $mirror"
# The hardware database is left out: an emulated processor takes minutes to compile it, and nothing here needs it.
# shellcheck disable=SC2016 # the hook's own $1
mmdebstrap --quiet --mode=root --variant=minbase --arch="$arch" \
  --include="linux-image-$arch,initramfs-tools,systemd-sysv,dbus,udev,kmod,procps,iproute2,openssh-server,alsa-utils,gpiod,evemu-tools,$tools" \
  --essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; echo MODULES=list >"$1/etc/initramfs-tools/conf.d/board"; printf "virtio_pci\nvirtio_blk\next4\n" >"$1/etc/initramfs-tools/modules"' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/lib/udev/hwdb.d/*' trixie "$root" "$mirror"

echo "board: gpio-sim"
cat >"$root/compile" <<'EOF'
set -eu
for headers in /usr/src/linux-headers-*-"$1"; do :; done
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
chroot "$root" sh /compile "$arch"
cp -L "$root"/boot/vmlinuz-* "$out/vmlinuz"
cp -L "$root"/boot/initrd.img-* "$out/initrd.img"
rm -rf "$root/compile" "$root/modules" "$root/usr/src" "$root/usr/lib/gcc" "$root/var/cache/apt" "$root/var/lib/apt/lists"
# A board has no use for them, and the image is smaller by two thirds.
for what in gpu media infiniband net/wireless net/ethernet scsi iio staging; do
  rm -rf "$root"/usr/lib/modules/*/kernel/drivers/$what
done
for kernel in "$root"/usr/lib/modules/*; do chroot "$root" depmod "${kernel##*/}"; done

# --- the board: wires that lead to a button and to a card
cat >"$root/usr/local/sbin/wires" <<'EOF'
#!/bin/sh
# wires up [LABEL] | wires down | wires press|release|click|value|line GPIO | wires chip
# A Raspberry Pi 4's GPIO chip by name, unless it is called otherwise, and number of lines; a wire that is drawn to ground is a pressed button.
set -eu
device=/sys/kernel/config/gpio-sim/header bank=/sys/kernel/config/gpio-sim/header/bank0
line() { echo "/sys/devices/platform/$(cat $device/dev_name)/$(cat $bank/chip_name)/sim_gpio$1"; }
pull() { echo "$(line "$1")/pull"; }
case $1 in
  up)
    modprobe snd-aloop index=0 id=Loopback pcm_substreams=2
    modprobe gpio-sim
    mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
    for gpio in 17 23 27; do mkdir -p $bank/line$gpio; echo GPIO$gpio >$bank/line$gpio/name; done
    echo "${2:-pinctrl-bcm2711}" >$bank/label
    echo 58 >$bank/num_lines
    echo 1 >$device/live
    for gpio in 17 23 27; do "$0" release $gpio; done
    # Of a button that somebody holds while the power comes.
    [ ! -e /etc/held ] || "$0" press "$(cat /etc/held)" ;;
  down)
    echo 0 >$device/live
    rmdir $bank/line* $bank $device ;;
  press) echo pull-down >"$(pull "$2")" ;;
  release) echo pull-up >"$(pull "$2")" ;;
  line) line "$2" ;;
  chip) cat $bank/chip_name ;;
  value) cat "$(line "$2")/value" ;;
  click)
    file=$(pull "$2")
    echo pull-down >"$file"; sleep 0.05; echo pull-up >"$file" ;;
esac
EOF
chmod 755 "$root/usr/local/sbin/wires"
cat >"$root/etc/systemd/system/wires.service" <<'EOF'
[Unit]
Description=Wires of the board
DefaultDependencies=no
After=systemd-udevd.service sys-kernel-config.mount
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/wires up
ExecStop=/usr/local/sbin/wires down
[Install]
WantedBy=sysinit.target
EOF

# --- the cable, and the other card
links=$root/etc/systemd/network
printf '[Match]\nMACAddress=52:54:00:78:00:02\n[Link]\nName=cable\n' >"$links/10-cable.link"
printf '[Match]\nMACAddress=52:54:00:79:00:02\n[Link]\nName=onlooker\n' >"$links/10-onlooker.link"
printf '[Match]\nName=cable\n[Network]\nAddress=198.18.78.2/24\nGateway=198.18.78.1\nLinkLocalAddressing=no\n' >"$links/20-cable.network"
printf '[Match]\nName=onlooker\n[Link]\nUnmanaged=yes\n' >"$links/20-onlooker.network"
# It lives in a network of its own, so that nothing on the board takes it for a way to its server.
cat >"$root/usr/local/sbin/onlooker" <<'EOF'
#!/bin/sh
set -eu
[ -e /run/netns/onlooker ] || ip netns add onlooker
[ ! -e /sys/class/net/onlooker ] || ip link set onlooker netns onlooker
ip -n onlooker address replace 198.18.79.2/24 dev onlooker
ip -n onlooker link set onlooker up
mkdir -p /run/sshd
exec nsenter --net=/run/netns/onlooker /usr/sbin/sshd -D -e -o PidFile=none -o MaxSessions=100
EOF
chmod 755 "$root/usr/local/sbin/onlooker"
cat >"$root/etc/systemd/system/onlooker.service" <<'EOF'
[Unit]
Description=A way in that is not the board's network
Wants=sys-subsystem-net-devices-onlooker.device
After=sys-subsystem-net-devices-onlooker.device
[Service]
ExecStart=/usr/local/sbin/onlooker
[Install]
WantedBy=multi-user.target
EOF

ssh-keygen -q -t ed25519 -N '' -C board -f "$out/key"
chroot "$root" useradd -m -s /bin/bash -G adm maker
for home in root home/maker; do
  mkdir -p "$root/$home/.ssh"
  cp "$out/key.pub" "$root/$home/.ssh/authorized_keys"
done
chroot "$root" chown -R maker:maker /home/maker/.ssh
chroot "$root" systemctl --quiet enable wires onlooker systemd-networkd ssh
chroot "$root" systemctl --quiet mask systemd-networkd-wait-online apt-daily.timer apt-daily-upgrade.timer \
  dpkg-db-backup.timer e2scrub_all.timer fstrim.timer
echo board >"$root/etc/hostname"
: >"$root/etc/machine-id"
echo '/dev/vda / ext4 rw,noatime 0 0' >"$root/etc/fstab"
mkdir -p "$root/var/log/journal"

# 2 GB, of which the file holds what is used.
mke2fs -q -t ext4 -d "$root" "$out/disk.ext4" 2G
cp "$0" "$out/made-by"
echo "$arch" >"$out/arch"
echo "board: $(du -sh "$out/disk.ext4" | cut -f1) in $out"
