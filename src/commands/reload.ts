// SIGHUP: the configuration is read anew. What can be applied is, as soon as nobody talks; what cannot is named; and a
// configuration that is wrong changes nothing.
import type { Loaded } from '../config/load.ts';
import { describeProblem } from '../config/problem.ts';
import { allKeys, type Config, isAppliedByReload, valueAt } from '../config/schema.ts';
import type { Log } from '../ports.ts';
import { namesNoServer, sentencesOf } from './in-force.ts';
import { ASKED_AFTER_RESTART, NO_SERVER } from './next-step.ts';

export type ReloadParts = {
  /** What the process has started with. */
  readonly started: Config;
  readonly load: () => Loaded;
  readonly log: Log;
  /** Nobody talks to the box, nor it to them. */
  readonly isQuiet: () => boolean;
  /** Only the keys that a reload applies differ from what holds. */
  readonly apply: (config: Config) => void;
  /** What is wrong now, one sentence each. */
  readonly problems: (sentences: readonly string[]) => void;
};

export class Reload {
  readonly #parts: ReloadParts;
  readonly #inForce: Map<string, unknown>;
  #waiting: Config | null = null;

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    this.#inForce = new Map([...allKeys.keys()].map((key) => [key, valueAt(parts.started, key)]));
  }

  asked(): void {
    const { log, load, problems } = this.#parts;
    const loaded = load();
    const isWithout = this.#asksLater(loaded.config) && this.#inForce.get('server.websocket_url') === '';
    const sentences = [...sentencesOf(loaded), ...(isWithout ? [ASKED_AFTER_RESTART] : [])];
    const wrong = this.#wrong(loaded);
    if (wrong.length > 0) {
      for (const told of wrong.map((sentence) => `reload: ${sentence}`)) log.error({}, told);
      log.error({}, 'reload: the new configuration is wrong, the old one stays');
      problems(wrong.map((sentence) => `not reloaded: ${sentence}`));
    } else {
      for (const sentence of sentences) log.warn({}, sentence);
      problems(sentences);
      this.#take(loaded.config);
    }
  }

  /** After each event: a configuration that waits for the end of a conversation is applied then. */
  settle(): void {
    const config = this.#waiting;
    if (config === null || !this.#parts.isQuiet()) return;
    this.#waiting = null;
    const changed = this.#changed(config).filter(isAppliedByReload);
    for (const key of changed) this.#inForce.set(key, valueAt(config, key));
    this.#parts.log.info({ applied: changed.join(' ') }, 'reload: applied');
    this.#parts.apply(config);
  }

  #wrong({ config, problems }: Loaded): readonly string[] {
    const errors = problems.filter(({ severity }) => severity === 'error').map(describeProblem);
    // A box that has a server does not lose it to a file that somebody is just editing.
    const hasUrl = this.#inForce.get('server.websocket_url') !== '';
    const asks = this.#inForce.get('server.ota_url') !== '';
    if ((hasUrl || asks) && namesNoServer(config)) return [...errors, NO_SERVER];
    return hasUrl && this.#asksLater(config) ? [...errors, ASKED_AFTER_RESTART] : errors;
  }

  /** Its only server is one that is to be asked for, which this process does not do. */
  #asksLater({ server }: Config): boolean {
    return server.websocketUrl === '' && server.otaUrl !== '' && this.#inForce.get('server.ota_url') === '';
  }

  #take(config: Config): void {
    const { log, isQuiet } = this.#parts;
    const changed = this.#changed(config);
    const later = changed.filter((key) => !isAppliedByReload(key));
    if (later.length > 0) log.warn({ keys: later.join(' ') }, 'reload: these need a restart');
    const isNew = changed.length > later.length;
    this.#waiting = isNew ? config : null;
    if (!isNew) log.info({}, 'reload: nothing that can be applied has changed');
    else if (!isQuiet()) log.info({}, 'reload: applied when the conversation is over');
    this.settle();
  }

  #changed(config: Config): readonly string[] {
    return [...this.#inForce].filter(([key, value]) => valueAt(config, key) !== value).map(([key]) => key);
  }
}
