// What of the configuration holds now: as it was read at the start, and after each reload. When a reload may apply, reload.ts
// knows.
import { clock } from '../adapters/linux/clock.ts';
import type { Identity } from '../adapters/linux/identity.ts';
import type { Agent } from '../agent.ts';
import type { Loaded } from '../config/load.ts';
import { describeProblem } from '../config/problem.ts';
import type { Config } from '../config/schema.ts';
import type { Server } from '../connections.ts';
import { noLessons } from '../core/lessons.ts';
import type { Memory } from '../history/memory.ts';
import type { KnownServer } from '../known-server.ts';
import type { Secrets } from '../log/secrets.ts';
import type { AgentLog } from '../log.ts';
import { writtenIn } from './known-server.ts';
import { NO_SERVER } from './next-step.ts';
import { policyOf, serverOf } from './policy.ts';

/** Everything that is wrong with a configuration, one sentence each. */
export function sentencesOf({ config, problems }: Pick<Loaded, 'config' | 'problems'>): readonly string[] {
  return [...problems.map(describeProblem), ...(namesNoServer(config) ? [NO_SERVER] : [])];
}

export function namesNoServer({ server }: Config): boolean {
  return server.websocketUrl === '' && server.otaUrl === '';
}

type Parts = {
  readonly identity: Identity;
  readonly known: KnownServer;
  readonly version: string;
  readonly log: AgentLog;
  readonly secrets: Secrets;
  readonly memory: Memory;
  readonly agent: () => Agent;
};

export class InForce {
  readonly #parts: Parts;
  #config: Config;
  server: Server;

  constructor(config: Config, parts: Parts) {
    this.#parts = parts;
    this.#config = config;
    this.server = this.#serverOf(config);
  }

  get config(): Config {
    return this.#config;
  }

  /** What is not written down, and so comes with the answer of the server that is asked. */
  get gives(): readonly ('url' | 'token')[] {
    const { server } = this.#config;
    if (!this.#parts.agent().state.policy.setup.asks) return [];
    return [
      ...(server.websocketUrl === '' ? (['url'] as const) : []),
      ...(server.tokenFile === '' ? (['token'] as const) : []),
    ];
  }

  /** Only the keys that a reload applies differ from what holds. */
  apply(next: Config): void {
    this.#config = next;
    const { known, log, memory } = this.#parts;
    const agent = this.#parts.agent();
    const old = this.server.url;
    memory.leave();
    known.rewrite(writtenIn(next.server));
    this.server = this.#serverOf(next);
    log.setLevel(next.log.level);
    const isAnother = this.server.url !== old;
    // Whom to ask is decided at the start.
    const policy = { ...policyOf(next, this.server.url), setup: agent.state.policy.setup };
    const lessons = isAnother ? { lessons: noLessons(clock.now()) } : {};
    agent.dispatch({ type: 'policy.changed', policy, ...lessons });
    // A good connection to the old server is renewed, beside it.
    if (isAnother) agent.dispatch({ type: 'reconnect.asked' });
  }

  #serverOf(config: Config): Server {
    const { identity, known, version, log, secrets } = this.#parts;
    return serverOf(config, identity, known, version, log.of('state'), secrets);
  }
}
