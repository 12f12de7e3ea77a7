// The hardware addresses of this board that may stand for it: unicast, and of the board rather than of a container, a
// tunnel or a made-up link. Knows the kernel's folder of interfaces, not what the address is for.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Burnt in, as `addr_assign_type` says it (Documentation/ABI/testing/sysfs-class-net). */
const PERMANENT = '0';

/** Lower case; the second digit of a unicast address is even, and no interface has the address of noughts. */
const UNICAST = /^(?!00:00:00:00:00:00)[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/;

/**
 * The best first. Whether an interface is up, and in which order the kernel has found them, makes no difference: an
 * address from a factory comes before one that was made up, a cable's before a radio's, which may be randomised; and then
 * the lower number.
 */
export function ownMacs(folder: string = '/sys/class/net'): readonly string[] {
  const found = names(folder).flatMap((name) => {
    const at = join(folder, name);
    // Only real hardware hangs on a device; bridges, tunnels and the loopback do not.
    if (!existsSync(join(at, 'device'))) return [];
    const mac = read(join(at, 'address')).toLowerCase();
    if (!UNICAST.test(mac)) return [];
    const isBurntIn = read(join(at, 'addr_assign_type')) === PERMANENT && !isLocal(mac);
    const isRadio = existsSync(join(at, 'phy80211')) || existsSync(join(at, 'wireless'));
    return [{ mac, rank: (isBurntIn ? 0 : 2) + (isRadio ? 1 : 0) }];
  });
  return found.sort((a, b) => a.rank - b.rank || (a.mac < b.mac ? -1 : 1)).map(({ mac }) => mac);
}

/** Made up by somebody, not given out by a maker. */
function isLocal(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 0x02) !== 0;
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
