// The light that the configuration asks for, and how it is to look. Builds it and decides nothing else.
import { clock } from '../adapters/linux/clock.ts';
import { ledsLight } from '../adapters/linux/leds-light.ts';
import { onoffPin, rpioPin } from '../adapters/linux/light-pins.ts';
import { pinLight } from '../adapters/linux/pin-light.ts';
import { pinName } from '../config/pins.ts';
import type { Config } from '../config/schema.ts';
import type { LampPolicy } from '../lamp.ts';
import type { Light, Log } from '../ports.ts';

/**
 * Undefined: there is none, or it cannot be had, which has been said.
 * @param inForce what holds now, asked for its look again and again
 */
export function lampOf(
  inForce: () => Config,
  log: Log,
): { readonly light: Light; readonly policy: () => LampPolicy } | undefined {
  const { light: wanted } = inForce();
  const light = chooseLight(wanted, log);
  if (light === undefined) return undefined;
  if (!('refused' in light)) return { light, policy: () => policyOf(inForce().light) };
  log.error({ backend: wanted.backend, reason: light.refused }, 'there is no light');
  return undefined;
}

function chooseLight(light: Config['light'], log: Log): Light | { readonly refused: string } | undefined {
  const { backend, name, gpio, active } = light;
  switch (backend) {
    case 'none':
      return undefined;
    case 'leds':
      if (name === '') return { refused: 'light.name is empty: ls /sys/class/leds lists the names' };
      return ledsLight({ names: name.split(',').map((one) => one.trim()), clock, log });
    case 'onoff':
    case 'rpio': {
      const pin = (backend === 'onoff' ? onoffPin : rpioPin)({ gpio });
      if ('refused' in pin) return pin;
      return pinLight({ means: `${backend}, ${pinName(gpio)}`, activeLow: active === 'low', clock, ...pin });
    }
  }
}

function policyOf({ theme, brightness, night, nightBrightness }: Config['light']): LampPolicy {
  const [from, to] = night.split('-').map(minuteOf);
  return {
    theme,
    brightness: brightness / 100,
    night: from === undefined || to === undefined ? null : { from, to },
    nightBrightness: nightBrightness / 100,
  };
}

/** `22:30` is 1350. */
function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}
