// The tools that an owner makes for the server: `[tools.NAME]` sections, each a fixed command or a line of the header.
// Checked here and nowhere else, so that what comes out can be run as it is. Runs nothing.
import * as v from 'valibot';
import type { ClaimPin } from './contradictions.ts';
import type { Problem } from './problem.ts';

type Placed = { readonly name: string; readonly raw: unknown; readonly file: string; readonly line?: number };

/** One section of one file; a later one of the same name replaces it whole. */
export type ToolSection = Placed;

export type ToolArgument = {
  readonly name: string;
  readonly kind: 'boolean' | 'integer' | 'string';
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly options?: readonly string[];
  readonly longest?: number;
};

export type OwnerTool = {
  readonly name: string;
  readonly description: string;
  readonly arguments: readonly ToolArgument[];
  readonly does: /** A part of it that is `{name}` stands for that argument; there is no shell. */
    | { readonly kind: 'command'; readonly argv: readonly string[]; readonly timeoutMs: number }
    | { readonly kind: 'output' | 'input'; readonly gpio: number; readonly active: 'high' | 'low' };
};

/** Models are told to keep to letters, digits and these; the most used server makes everything else an underscore. */
const NAME = /^[A-Za-z][\w-]{0,47}$/;
/** A sentence or three. */
const LONGEST_DESCRIPTION = 500;
/** A page of the list must hold each, and the gateway of the official service takes pages of 8 kB. */
const MOST_BYTES = 7_800;
const LONGEST_WORD = 200;
const MOST_WORDS = 32;
/** The toolbox gives up after 5 s. */
const TIMEOUT_MS = { least: 100, preset: 4_000, most: 4_900 };
/** The gateway of the official service keeps 32 of a device, those of the box included. */
const MOST_TOOLS = 24;

const word = v.pipe(
  v.string('must be texts'),
  v.maxLength(LONGEST_WORD, `must be at most ${LONGEST_WORD} characters long`),
  v.check((text) => !/\p{Cc}/u.test(text), 'must hold no control character'),
);
const limit = v.optional(v.pipe(v.number('must be a number'), v.safeInteger('must be a whole number')));

const argument = v.pipe(
  v.strictObject(
    {
      type: v.picklist(['boolean', 'integer', 'string'], 'type must be "boolean", "integer" or "string"'),
      description: v.optional(word),
      minimum: limit,
      maximum: limit,
      options: v.optional(
        v.pipe(v.array(word, 'options must be a list'), v.minLength(1, 'options must not be empty')),
      ),
      max_length: v.optional(
        v.pipe(v.number('max_length must be a number'), v.integer(), v.minValue(1), v.maxValue(LONGEST_WORD)),
      ),
    },
    'has a key that an argument does not have',
  ),
  // What nobody has bounded, a model will one day exceed.
  v.check(
    ({ type, minimum, maximum }) =>
      type !== 'integer' || (minimum !== undefined && maximum !== undefined && minimum <= maximum),
    'an integer needs minimum and maximum',
  ),
);

const pin = v.pipe(
  v.number('must be a pin'),
  v.integer('must be a pin'),
  v.minValue(2, 'must be a pin from 2 to 27'),
  v.maxValue(27, 'must be a pin from 2 to 27'),
);

const section = v.strictObject(
  {
    description: v.pipe(
      v.string('description must be a text'),
      v.minLength(1, 'description must say what it is for'),
      v.maxLength(LONGEST_DESCRIPTION, 'description is too long'),
    ),
    command: v.optional(
      v.pipe(
        v.array(word, 'command must be a list of texts'),
        v.minLength(1, 'command is empty'),
        v.maxLength(MOST_WORDS, 'command has too many parts'),
        v.check(([program]) => program?.startsWith('/') === true, 'command must begin with an absolute path'),
      ),
    ),
    timeout_ms: v.optional(
      v.pipe(
        v.number('timeout_ms must be a number'),
        v.integer(),
        v.minValue(TIMEOUT_MS.least, `timeout_ms must be at least ${TIMEOUT_MS.least}`),
        v.maxValue(TIMEOUT_MS.most, `timeout_ms must be at most ${TIMEOUT_MS.most}`),
      ),
    ),
    gpio_output: v.optional(pin),
    gpio_input: v.optional(pin),
    active: v.optional(v.picklist(['high', 'low'], 'active must be "high" or "low"')),
    arguments: v.optional(v.record(v.string(), argument, 'arguments must be sections')),
  },
  'has a key that a tool does not have, or lacks its description',
);

/** @param claim a pin that is a button's, the light's or another tool's would be driven by two */
export function ownerTools(
  sections: readonly ToolSection[],
  claim: ClaimPin,
): {
  readonly tools: readonly OwnerTool[];
  readonly problems: readonly Problem[];
} {
  const latest = new Map(sections.map((one) => [one.name, one]));
  const tools: OwnerTool[] = [];
  const problems: Problem[] = [];
  for (const placed of latest.values()) {
    const read = tools.length < MOST_TOOLS ? readTool(placed, claim) : `there may be ${MOST_TOOLS} tools`;
    if (typeof read !== 'string') tools.push(read);
    else problems.push({ ...problemAt(placed), message: `${read}; there is no such tool` });
  }
  return { tools, problems };
}

function problemAt({ name, file, line }: Placed): Omit<Problem, 'message'> {
  return { severity: 'error', file, ...(line === undefined ? {} : { line }), key: `tools.${name}` };
}

function readTool({ name, raw }: Placed, claim: ClaimPin): OwnerTool | string {
  if (!NAME.test(name)) return 'the name must be letters, digits, _ and -';
  const result = v.safeParse(section, raw);
  if (!result.success) return result.issues[0].message;
  const found = result.output;
  const args = Object.entries(found.arguments ?? {}).map(([key, one]) => argumentOf(key, one));
  const ways = [found.command, found.gpio_output, found.gpio_input].filter((way) => way !== undefined);
  if (ways.length !== 1) return 'it needs one of command, gpio_output and gpio_input';
  const about = { name, description: found.description };
  if (found.command === undefined) {
    if (args.length > 0) return 'a line of the header takes no arguments of yours';
    const [kind, gpio] =
      found.gpio_output === undefined
        ? (['input', found.gpio_input ?? 0] as const)
        : (['output', found.gpio_output] as const);
    const refused = claim(gpio, `tools.${name}`);
    if (refused !== undefined) return refused;
    return { ...about, arguments: [], does: { kind, gpio, active: found.active ?? 'high' } };
  }
  const unknown = found.command
    .flatMap((part) => placeIn(part) ?? [])
    .find((key) => !args.some((one) => one.name === key));
  if (unknown !== undefined) return `the command speaks of {${unknown}}, which is no argument`;
  const misplaced = args.map((one) => misplacedIn(found.command ?? [], one.name)).find((why) => why !== null);
  if (misplaced !== undefined) return misplaced;
  const bytes = bytesOf(about, args);
  if (bytes > MOST_BYTES)
    return `its descriptions and options are too long for a server: ${bytes} bytes, at most ${MOST_BYTES}`;
  const { command: argv, timeout_ms: timeoutMs = TIMEOUT_MS.preset } = found;
  return { ...about, arguments: args, does: { kind: 'command', argv, timeoutMs } };
}

/** What a model would say into the void, or would reach the program as the braces it is; null: it has its place. */
function misplacedIn(command: readonly string[], name: string): string | null {
  if (command.some((part) => placeIn(part) === name)) return null;
  const half = command.find((part) => part.includes(`{${name}}`));
  return half === undefined
    ? `the command never uses the argument ${name}`
    : `{${name}} must be a part of the command by itself, not in "${half}"`;
}

/** As long as a server is told of it, give or take what is the same of all tools. */
function bytesOf(about: { name: string; description: string }, args: readonly ToolArgument[]): number {
  const properties = args.map(({ name, kind, longest: _, ...rest }) => [name, { type: kind, ...rest }]);
  const entry = {
    ...about,
    inputSchema: { type: 'object', properties, required: args.map(({ name }) => name) },
  };
  return new TextEncoder().encode(JSON.stringify(entry)).length;
}

function argumentOf(
  name: string,
  { type: kind, max_length: longest, ...rest }: v.InferOutput<typeof argument>,
): ToolArgument {
  const { description, minimum, maximum, options } = rest;
  return {
    name,
    kind,
    ...(description === undefined ? {} : { description }),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(options === undefined ? {} : { options }),
    longest: longest ?? LONGEST_WORD,
  };
}

/** The argument that a part of a command stands for, if it does. */
export function placeIn(part: string): string | undefined {
  return /^\{(\w+)\}$/.exec(part)?.[1];
}
