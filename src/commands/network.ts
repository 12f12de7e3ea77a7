// The network watch that the configuration asks for, and what it is called in `status`. Builds it and nothing else.
import { networkWatch } from '../adapters/linux/network-watch.ts';
import type { Config } from '../config/schema.ts';
import type { Clock, Log, NetworkWatch } from '../ports.ts';

type Parts = {
  readonly clock: Clock;
  readonly log: Log;
  /** The server's IP address, once one is known. */
  readonly destination: () => string | null;
};

/** Undefined when it is switched off: then only failures tell of the network. */
export function chooseNetworkWatch(config: Config, parts: Parts): NetworkWatch | undefined {
  switch (config.link.networkWatch) {
    case 'auto':
      return networkWatch(parts);
    case 'poll':
      return networkWatch({ ...parts, doorbell: false });
    case 'off':
      return undefined;
  }
}
