// What a tool looks like to a server: its description as a page of the list, and its arguments, checked. Pure; runs none.
import { isObject } from './fields.ts';
import type { Json, JsonObject } from './messages.ts';

export type Argument = {
  readonly name: string;
  readonly description?: string;
  /** Of a value that may be left out. */
  readonly preset?: boolean | number | string;
} & (
  | { readonly kind: 'boolean' }
  | { readonly kind: 'integer'; readonly minimum?: number; readonly maximum?: number }
  | { readonly kind: 'string'; readonly options?: readonly string[]; readonly longest?: number }
);

export type ToolShape = {
  readonly name: string;
  /** A prompt: the model reads it to know when the tool is for it. */
  readonly description: string;
  readonly arguments: readonly Argument[];
  /** `owner`: not for the model; it is listed to whoever asks for such tools by name. */
  readonly audience: 'model' | 'owner';
};

export type Values = Readonly<Record<string, boolean | number | string>>;

/** The gateway of the official service closes the connection on 8,192; the firmware keeps below this. */
const PAGE_BYTES = 8_000;
/** Of the cursor and the braces around a page. */
const ROOM_BYTES = 100;
const MOST_BYTES = PAGE_BYTES - ROOM_BYTES;
/** No argument of a voice box is a book. */
const LONGEST_TEXT = 1_024;

export type Page = { readonly result: JsonObject } | { readonly failed: string };

/** From the tool that the cursor names to as many as one page holds; the next page is named after its first. */
export function pageOf(shapes: readonly ToolShape[], cursor: string, withOwners: boolean): Page {
  const listed = shapes.filter(({ audience }) => audience === 'model' || withOwners);
  const from = cursor === '' ? 0 : listed.findIndex(({ name }) => name === cursor);
  if (from < 0) return { failed: `Unknown cursor: ${cursor}` };
  const tools: JsonObject[] = [];
  let bytes = ROOM_BYTES;
  for (const shape of listed.slice(from)) {
    const entry = entryOf(shape);
    const size = bytesOf(entry);
    if (size > MOST_BYTES)
      return { failed: `Failed to add tool ${shape.name} because of payload size limit` };
    if (bytes + size > PAGE_BYTES) return { result: { tools, nextCursor: shape.name } };
    tools.push(entry);
    bytes += size;
  }
  return { result: { tools } };
}

/** Listed, it would take the others of its page with it. */
export function isTooBig(shape: ToolShape): boolean {
  return bytesOf(entryOf(shape)) > MOST_BYTES;
}

/** With the comma after it. */
function bytesOf(entry: JsonObject): number {
  return new TextEncoder().encode(JSON.stringify(entry)).length + 1;
}

function entryOf({ name, description, arguments: all, audience }: ToolShape): JsonObject {
  const required = all.filter(({ preset }) => preset === undefined).map((one) => one.name);
  return {
    name,
    description,
    inputSchema: {
      type: 'object',
      properties: Object.fromEntries(all.map((one) => [one.name, schemaOf(one)])),
      ...(required.length === 0 ? {} : { required }),
    },
    ...(audience === 'model' ? {} : { annotations: { audience: ['user'] } }),
  };
}

function schemaOf(argument: Argument): JsonObject {
  const { kind, description, preset } = argument;
  const about = {
    type: kind,
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
  };
  switch (argument.kind) {
    case 'boolean':
      return about;
    case 'integer': {
      const { minimum, maximum } = argument;
      return {
        ...about,
        ...(minimum === undefined ? {} : { minimum }),
        ...(maximum === undefined ? {} : { maximum }),
      };
    }
    case 'string':
      return argument.options === undefined ? about : { ...about, enum: argument.options };
  }
}

export type ReadValues = { readonly values: Values } | { readonly failed: string };

/** What the tool gets: what it knows, of the right kind and size; the reference firmware's words for what is not. */
export function readValues({ arguments: all }: ToolShape, given: Json | undefined): ReadValues {
  if (given !== undefined && given !== null && !isObject(given)) return { failed: 'Invalid arguments' };
  const values: Record<string, boolean | number | string> = {};
  for (const argument of all) {
    const raw = isObject(given) && Object.hasOwn(given, argument.name) ? given[argument.name] : undefined;
    const read = readValue(argument, raw);
    if (typeof read === 'object') return read;
    values[argument.name] = read;
  }
  return { values };
}

function readValue(
  argument: Argument,
  raw: Json | undefined,
): boolean | number | string | { failed: string } {
  const { name, preset } = argument;
  const missing = { failed: `Missing valid argument: ${name}` };
  switch (argument.kind) {
    case 'boolean':
      return typeof raw === 'boolean' ? raw : (preset ?? missing);
    case 'integer': {
      if (typeof raw !== 'number' || !Number.isSafeInteger(raw)) return preset ?? missing;
      if (argument.minimum !== undefined && raw < argument.minimum)
        return { failed: `Value is below minimum allowed: ${argument.minimum}` };
      if (argument.maximum !== undefined && raw > argument.maximum)
        return { failed: `Value exceeds maximum allowed: ${argument.maximum}` };
      return raw;
    }
    case 'string': {
      if (typeof raw !== 'string') return preset ?? missing;
      const longest = argument.longest ?? LONGEST_TEXT;
      if (raw.length > longest) return { failed: `Value exceeds maximum allowed: ${longest}` };
      if (argument.options !== undefined && !argument.options.includes(raw)) return missing;
      return raw;
    }
  }
}
