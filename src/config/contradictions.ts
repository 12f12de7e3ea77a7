// Values that are right each and wrong together: found, and replaced by defaults. Knows no file and no source.

import { type Hat, neededFor, pinName } from './pins.ts';
import { allKeys } from './schema.ts';

/** `key` is what is to blame. */
export type Contradiction = { readonly key: string; readonly message: string };

type Values = Map<string, unknown>;
type Origins = Record<string, string>;

/** A cap below the base contradicts itself. Both become their defaults: one default need not fit the other value. */
export function mendBackoff(values: Values, origins: Origins): readonly Contradiction[] {
  const [base, cap] = ['link.backoff_base_ms', 'link.backoff_cap_ms'] as const;
  const [baseMs, capMs] = [Number(values.get(base)), Number(values.get(cap))];
  if (capMs >= baseMs) return [];
  const key = origins[cap] === 'default' ? base : cap;
  for (const name of [base, cap]) toDefault(name, values, origins);
  const used = `${values.get(base)} and ${values.get(cap)} are used`;
  return [{ key, message: `${cap} (${capMs}) is less than ${base} (${baseMs}); ${used}` }];
}

/** Each is worth nothing without the other; the box would be activated by a code, and nobody know why. */
export function mendSerial(values: Values, origins: Origins): readonly Contradiction[] {
  const [number, file] = ['server.serial_number', 'server.serial_key_file'] as const;
  const [alone, other] = values.get(number) === '' ? [file, number] : [number, file];
  if (values.get(alone) === '' || values.get(other) !== '') return [];
  toDefault(alone, values, origins);
  return [{ key: alone, message: `it needs ${other}, which is empty; the box is activated by a code` }];
}

/** The wake button first: it keeps its pin. */
const PIN_KEYS = ['gpio', 'volume_up_gpio', 'volume_down_gpio', 'stop_gpio', 'mute_gpio'].map(
  (name) => `button.${name}`,
);
const HAT_KEY = 'audio.hat';
const LIGHT = { gpio: 'light.gpio', backend: 'light.backend' } as const;
/** Backends of a light that has a pin of ours. */
const PIN_LIGHTS: readonly string[] = ['onoff', 'rpio'];

/** A pin that sound needs would silence the box, and one pin cannot be two keys. */
export function mendPins(values: Values, origins: Origins): readonly Contradiction[] {
  const hat = values.get(HAT_KEY) as Hat;
  const taken = new Map<number, string>();
  const found: Contradiction[] = [];
  for (const key of PIN_KEYS) {
    const gpio = Number(values.get(key));
    const owner = taken.get(gpio);
    const needed = neededFor(gpio, hat);
    const why =
      owner !== undefined ? `is ${owner} already` : needed && `is ${needed} (${HAT_KEY} = "${hat}")`;
    if (why !== undefined) {
      toDefault(key, values, origins);
      const instead = values.get(key) === 0 ? 'the line is not used' : `${values.get(key)} is used`;
      found.push({ key, message: `${pinName(gpio)} ${why}; ${instead}` });
    }
    const used = Number(values.get(key));
    if (used !== 0) taken.set(used, key);
  }
  return [...found, ...mendLight(values, origins, taken)];
}

/** Another pin than the one it is wired to would light nothing, and might be somebody's: then there is no light. */
function mendLight(
  values: Values,
  origins: Origins,
  taken: ReadonlyMap<number, string>,
): readonly Contradiction[] {
  const { gpio: key, backend } = LIGHT;
  if (!PIN_LIGHTS.includes(String(values.get(backend)))) return [];
  const gpio = Number(values.get(key));
  const hat = values.get(HAT_KEY) as Hat;
  const owner = taken.get(gpio);
  const needed = neededFor(gpio, hat);
  if (owner === undefined && needed === undefined) return [];
  toDefault(backend, values, origins);
  const why = owner === undefined ? `${needed} (${HAT_KEY} = "${hat}")` : `${owner} already`;
  return [{ key, message: `${pinName(gpio)} is ${why}; there is no light` }];
}

/** Why a pin of the header cannot be somebody's; undefined: it is theirs from now on. */
export type ClaimPin = (gpio: number, owner: string) => string | undefined;

/** For what is not a key: the pins that the settled values leave free, each to the first that asks. */
export function pinsLeft(values: ReadonlyMap<string, unknown>): ClaimPin {
  const hat = values.get(HAT_KEY) as Hat;
  // A button that is none, or a key of an input device, has no pin; the other keys are on the header whatever it is.
  const isElsewhere = ['none', 'evdev'].includes(String(values.get('button.backend')));
  const keys = isElsewhere ? PIN_KEYS.slice(1) : [...PIN_KEYS];
  if (PIN_LIGHTS.includes(String(values.get(LIGHT.backend)))) keys.push(LIGHT.gpio);
  const taken = new Map(keys.map((key) => [Number(values.get(key)), key]));
  return (gpio, owner) => {
    const first = taken.get(gpio);
    const needed = neededFor(gpio, hat);
    if (first !== undefined) return `${pinName(gpio)} is ${first} already`;
    if (needed !== undefined) return `${pinName(gpio)} is ${needed} (${HAT_KEY} = "${hat}")`;
    taken.set(gpio, owner);
    return undefined;
  };
}

function toDefault(key: string, values: Values, origins: Origins): void {
  values.set(key, allKeys.get(key)?.preset);
  origins[key] = 'default';
}
