// Reads the fields of a parsed JSON object one by one and remembers the first that is not what it must be, so that a
// message can be built in one expression and judged afterwards. Knows no message.

import { excerpt } from './excerpt.ts';
import { QUOTE_LIMIT_CHARS } from './limits.ts';
import type { Json, JsonObject } from './messages.ts';

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** A value from the wire inside a sentence: `7`, `"x"`, `an object`, `nothing`. Safe for a log line. */
export function quote(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (isList(value)) return 'an array';
  if (isObject(value)) return 'an object';
  return excerpt(JSON.stringify(value), QUOTE_LIMIT_CHARS);
}

/**
 * A deep copy that inherits nothing and has no `__proto__` key: looking up a name from the wire finds data or nothing,
 * and copying it elsewhere cannot replace a prototype. The depth was limited before the text was parsed.
 */
function disarmed(value: Json): Json {
  if (isList(value)) return value.map(disarmed);
  return isObject(value) ? disarmedObject(value) : value;
}

function disarmedObject(value: JsonObject): JsonObject {
  const copy: Record<string, Json> = Object.create(null);
  for (const [key, inner] of Object.entries(value)) {
    if (key !== '__proto__') copy[key] = disarmed(inner);
  }
  return copy;
}

export class Fields {
  readonly #object: JsonObject;
  readonly #name: string;
  #problem: string | undefined;

  /** `name` is what a problem is reported under: `tts` makes `tts.state: expected …`. */
  constructor(object: JsonObject, name: string) {
    this.#object = object;
    this.#name = name;
  }

  /** The first required field that was missing or wrong. What was built from these fields must then be dropped. */
  get problem(): string | undefined {
    return this.#problem;
  }

  text(key: string): string {
    return this.optionalText(key) ?? this.#blame(key, 'a string', '');
  }

  oneOf<T extends string>(key: string, allowed: readonly [T, ...T[]]): T {
    const value = this.#object[key];
    return allowed.find((word) => word === value) ?? this.#blame(key, allowed.join('|'), allowed[0]);
  }

  object(key: string): JsonObject {
    const value = this.#object[key];
    return isObject(value) ? disarmedObject(value) : this.#blame(key, 'an object', {});
  }

  list(key: string): readonly Json[] {
    return this.optionalList(key) ?? this.#blame(key, 'an array', []);
  }

  // An optional field of the wrong type counts as absent: servers differ there, and a message is worth more than a field.

  optionalText(key: string): string | undefined {
    const value = this.#object[key];
    return typeof value === 'string' ? value : undefined;
  }

  optionalFlag(key: string): boolean | undefined {
    const value = this.#object[key];
    return typeof value === 'boolean' ? value : undefined;
  }

  /** `1e999` is JSON and parses to infinity; that and what is not above zero is no rate, duration, count or version. */
  optionalPositive(key: string): number | undefined {
    const value = this.#object[key];
    return typeof value === 'number' && value > 0 && Number.isFinite(value) ? value : undefined;
  }

  optionalList(key: string): readonly Json[] | undefined {
    const value = this.#object[key];
    return isList(value) ? value.map(disarmed) : undefined;
  }

  /** The fields of an inner object, none when it is absent. Its problems are its own: only ask it for optional ones. */
  optionalGroup(key: string): Fields {
    const value = this.#object[key];
    return new Fields(isObject(value) ? value : {}, `${this.#name}.${key}`);
  }

  #blame<T>(key: string, expected: string, standIn: T): T {
    this.#problem ??= `${this.#name}.${key}: expected ${expected}, got ${quote(this.#object[key])}`;
    return standIn;
  }
}
