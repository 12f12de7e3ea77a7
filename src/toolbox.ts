// The tools that a server may use, and how they are used: two at a time, each within its time, with one line in the log for
// each call. Knows no tool in particular, and never holds up whoever asks.
import type { Cancel, Clock, Log } from './ports.ts';
import { type DeviceName, failed, readMcp, succeeded } from './protocol/mcp.ts';
import type { JsonObject } from './protocol/messages.ts';
import { isTooBig, type ToolShape, type Values } from './protocol/tools.ts';

export type Tool = {
  readonly shape: ToolShape;
  /** More calls than that in so long a time are refused; without it, none for their number. */
  readonly atMost?: { readonly calls: number; readonly perMs: number };
  /** The text for the server; an error's message is what it is told instead. */
  run(values: Values): Promise<string>;
};

/** Issue 8. The most used server waits for 30 s and the gateway for 10: it learns from us that it was too long. */
const TIMEOUT_MS = 5_000;
const AT_ONCE = 2;
/** The last of these is answered after four rounds before it and its own, which is 25 s at most. Refused: the newest. */
const WAITING = 8;

type Call = {
  readonly id: number;
  readonly tool: Tool;
  readonly values: Values;
  readonly reply: (payload: JsonObject) => void;
};

export class Toolbox {
  readonly #tools: readonly Tool[];
  readonly #shapes: readonly ToolShape[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #waiting: Call[] = [];
  /** Of the tools that may not be called as often as a server likes: the times of the latest calls. */
  readonly #called = new Map<Tool, readonly number[]>();
  #running = 0;

  constructor(parts: { readonly tools: readonly Tool[]; readonly clock: Clock; readonly log: Log }) {
    this.#tools = parts.tools.filter(({ shape }) => !isTooBig(shape));
    this.#shapes = this.#tools.map(({ shape }) => shape);
    this.#clock = parts.clock;
    this.#log = parts.log;
    for (const tool of parts.tools)
      if (!this.#tools.includes(tool))
        this.#log.warn({ tool: tool.shape.name }, 'tool left out: its description is too big for a server');
  }

  get names(): readonly string[] {
    return this.#shapes.map(({ name }) => name);
  }

  /** `reply` is called once, now or later, unless no reply is due. */
  take(request: JsonObject, device: DeviceName, reply: (payload: JsonObject) => void): void {
    const read = readMcp(request, device, this.#shapes);
    if (read.kind === 'silent') return;
    if (read.kind === 'reply') {
      if (read.refused !== undefined) this.#refused(read.refused.tool, read.refused.why);
      return reply(read.payload);
    }
    const tool = this.#tools.find(({ shape }) => shape === read.tool);
    if (tool === undefined) return;
    const why = this.#tooMuch(tool);
    if (why !== null) {
      this.#refused(read.tool.name, why);
      return reply(failed(read.id, why));
    }
    this.#waiting.push({ id: read.id, tool, values: read.values, reply });
    this.#next();
  }

  #refused(tool: string, reason: string): void {
    this.#log.warn({ tool, reason }, 'tool refused');
  }

  /** Why it may not be called now, or null; then it counts as called. */
  #tooMuch(tool: Tool): string | null {
    if (this.#waiting.length >= WAITING) return 'Too many calls at once';
    if (tool.atMost === undefined) return null;
    const { calls, perMs } = tool.atMost;
    const now = this.#clock.now();
    const recent = (this.#called.get(tool) ?? []).filter((at) => now - at < perMs);
    if (recent.length >= calls) return `Too often: at most ${calls} calls in ${perMs / 1_000} s`;
    this.#called.set(tool, [...recent, now]);
    return null;
  }

  #next(): void {
    if (this.#running >= AT_ONCE) return;
    const call = this.#waiting.shift();
    if (call === undefined) return;
    this.#running += 1;
    void this.#run(call).finally(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  async #run({ id, tool, values, reply }: Call): Promise<void> {
    const { name } = tool.shape;
    const since = this.#clock.now();
    const audit = () => ({ tool: name, ...shown(values), ms: Math.round(this.#clock.now() - since) });
    let disarm: Cancel = () => undefined;
    try {
      const tooLong = new Promise<never>((_, reject) => {
        disarm = this.#clock.after(TIMEOUT_MS, () =>
          reject(new Error(`no result within ${TIMEOUT_MS / 1_000} s`)),
        );
      });
      const text = await Promise.race([tool.run(values), tooLong]);
      this.#log.info({ ...audit(), result: 'done' }, 'tool called by the server');
      reply(succeeded(id, text));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn({ ...audit(), result: 'failed', reason }, 'tool called by the server');
      reply(failed(id, reason));
    } finally {
      disarm();
    }
  }
}

/** What was asked for; of a text, which may be anything somebody said, its length. */
function shown(values: Values): Record<string, boolean | number | string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `argument_${name}`,
      typeof value === 'string' ? `${value.length} characters` : value,
    ]),
  );
}
