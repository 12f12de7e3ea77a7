// What tests of the mechanism need beside the agent in this process: the kernel's own word on who is connected, clocks that
// run fast or count, and diallers that keep reports back. Must not know what any test expects.
import { readFileSync } from 'node:fs';
import type { Cancel, Clock, Dialer, Loss } from '../../src/ports.ts';
import { type AgentRig, agentRig, type RigParts } from './agent-rig.ts';
import type { PolicyChanges } from './box.ts';
import { realClock, until } from './card.ts';
import { type PlainServer, plainServer } from './plain-server.ts';
import { type Script, type ScriptedServer, type Session, startScriptedServer } from './scripted-server.ts';

export type Options = {
  readonly changes?: PolicyChanges;
  readonly parts?: RigParts;
  readonly deadlineMs?: number;
};

/** A test body against one scripted server and one agent, both ended afterwards. */
export function against(
  script: Script,
  play: (rig: AgentRig, server: ScriptedServer) => Promise<void>,
  options: Options = {},
) {
  return async () => {
    const server = await startScriptedServer(script);
    try {
      await withRig(server.url, options, (rig) => play(rig, server));
    } finally {
      await server.stop();
    }
  };
}

/** The same, against a plain server. */
export function againstPlain(
  play: (rig: AgentRig, server: PlainServer) => Promise<void>,
  options: Options = {},
) {
  return async () => {
    const server = await plainServer();
    try {
      await withRig(server.url, options, (rig) => play(rig, server));
    } finally {
      await server.down();
    }
  };
}

export async function withRig(
  url: string,
  options: Options,
  play: (rig: AgentRig) => Promise<void>,
): Promise<void> {
  const rig = agentRig(url, options.changes, options.deadlineMs, options.parts);
  try {
    await play(rig);
  } catch (error) {
    const links = rig.links.map((link) => JSON.stringify(link)).join('\n');
    throw new Error(`${error instanceof Error ? error.message : error}\nthe link was:\n${links}`, {
      cause: error,
    });
  } finally {
    rig.stop();
  }
}

/** How many connections to that port of 127.0.0.1 the kernel still counts as established at the client's end. */
export function connectedTo(port: number): number {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const ESTABLISHED = '01';
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to === remote && state === ESTABLISHED).length;
}

/** Minutes in seconds. Nothing that waits for the real network may have a short deadline by it. */
export function fastClock(factor: number): Clock {
  return {
    ...realClock,
    now: () => realClock.now() * factor,
    after: (delayMs, fire) => realClock.after(delayMs / factor, fire),
  };
}

/** By a fast clock; nothing that waits for the real network is in a hurry. */
export function hurried(clock: Clock, link: PolicyChanges['link'] = {}): Options {
  const NEVER_MS = 600_000;
  const patient = { pingTimeoutMs: NEVER_MS, helloTimeoutMs: NEVER_MS, connectTimeoutMs: NEVER_MS };
  const usual = { firstRetryMs: 250, backoffBaseMs: 1_000, backoffCapMs: 60_000 };
  return { changes: { link: { ...patient, ...usual, ...link } }, deadlineMs: NEVER_MS, parts: { clock } };
}

export type CountingClock = Clock & { readonly running: () => number };

/** Knows how many timers are running by it. */
export function countingClock(clock: Clock = realClock): CountingClock {
  const running = new Set<Cancel>();
  return {
    ...clock,
    running: () => running.size,
    after(delayMs, fire) {
      const cancel = clock.after(delayMs, () => {
        running.delete(cancel);
        fire();
      });
      running.add(cancel);
      return () => {
        running.delete(cancel);
        cancel();
      };
    },
  };
}

/** A dialler whose sockets end without saying so, while `keeps` says so; what they would have said is collected. */
export function withoutReports(real: Dialer, kept: Loss[], keeps: () => boolean = () => true): Dialer {
  return {
    dial: (request, on) =>
      real.dial(request, {
        reached: (ends) => on.reached(ends),
        opened: () => on.opened(),
        text: (text) => on.text(text),
        binary: (bytes) => on.binary(bytes),
        ponged: (mark) => on.ponged(mark),
        pinged: () => on.pinged(),
        closed: (loss) => {
          if (keeps()) kept.push(loss);
          else on.closed(loss);
        },
      }),
  };
}

/** The losses that led to a wait or a stop, in order. */
export function lossesOf({ links }: AgentRig): readonly Loss[] {
  return links.flatMap((link) =>
    (link.phase === 'waiting' && link.cause === 'retry') || link.phase === 'stopped' ? [link.loss] : [],
  );
}

/** The code that a session was closed with, once it was. */
export async function closeOf(session: Session | undefined): Promise<number | undefined> {
  let code: number | undefined;
  void session?.closed.then((closed) => {
    code = closed.code;
  });
  await until(() => code !== undefined, 'the end of a session');
  return code;
}
