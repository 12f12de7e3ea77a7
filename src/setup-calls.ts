// The HTTP calls that the state holds: made, given up, and their answers turned into facts. Also tells people: the code in
// the log and in a file. Decides nothing about when a call is due.
import type { Event } from './core/events.ts';
import type { Setup, SetupCall } from './core/setup.ts';
import type { KnownServer } from './known-server.ts';
import type { Cancel, Log, Web, WebAnswer } from './ports.ts';
import { activateBody, activateUrl, readActivation } from './protocol/activation.ts';
import { type Caller, callBody, callHeaders, readConfiguration } from './protocol/configuration.ts';

/** PY waits as long for its answers; a slow mobile network needs some seconds of it for TLS. */
const DEADLINE_MS = 10_000;

export type SetupCallsParts = {
  readonly web: Web;
  readonly url: string;
  readonly caFile?: string;
  readonly caller: () => Caller;
  /** Of version 2: the proof for a challenge. */
  readonly sign: (challenge: string) => { readonly hmac: string } | { readonly missing: string };
  readonly known: KnownServer;
  /** A text of the server without the tokens it may quote. */
  readonly blanked: (text: string) => string;
  readonly log: Log;
  /** Where others may read the code; null: there is none any more. */
  readonly post: (code: string | null) => void;
};

export class SetupCalls {
  readonly #parts: SetupCallsParts;
  #running: { readonly call: number; cancel: Cancel } | null = null;
  /** Why the last one came to nothing; null: it came to something; undefined: there was none. */
  #trouble: string | null | undefined;
  /** Why the box cannot prove its serial number; null: it can, or need not. */
  #unproven: string | null = null;
  /** Undefined: nothing yet; what an earlier run has left behind would send somebody to a console in vain. */
  #posted: string | null | undefined;

  constructor(parts: SetupCallsParts) {
    this.#parts = parts;
  }

  /** Why the last call came to nothing, or may never come to more; null: no reason. */
  get trouble(): string | null {
    return this.#trouble ?? this.#unproven;
  }

  /** Makes it so: one call at most, under its number. */
  follow(wanted: SetupCall | null, report: (event: Event) => void): void {
    if (this.#running?.call === wanted?.call) return;
    this.#running?.cancel();
    this.#running = null;
    if (wanted === null) return;
    const running: { readonly call: number; cancel: Cancel } = { call: wanted.call, cancel: () => undefined };
    this.#running = running;
    const answered = (answer: WebAnswer) => {
      if (this.#running !== running) return;
      const { url } = this.#parts.known;
      const event = wanted.what === 'configuration' ? this.#configured(answer) : polledOf(answer);
      if (url !== '' && url !== this.#parts.known.url) report({ type: 'server.moved' });
      // The number is what is compared: what follows may be the next call already.
      report(event);
    };
    const body =
      wanted.what === 'configuration' ? callBody(this.#parts.caller()) : this.#proof(wanted.challenge);
    const url = wanted.what === 'configuration' ? this.#parts.url : activateUrl(this.#parts.url);
    running.cancel = this.#parts.web.ask({ ...this.#question(), url, body }, { answered });
  }

  /** Says what people are to know. */
  tell(setup: Setup): void {
    const code = setup.phase === 'activating' ? setup.code : null;
    const before = this.#posted;
    if (code === before) return;
    this.#posted = code;
    this.#parts.post(code === '' ? null : code);
    const { log } = this.#parts;
    if (setup.phase === 'activating') {
      const { message } = setup;
      if (code === '') log.warn({ message }, 'activation: the server wants no code but a serial number');
      else log.warn({ code, message }, `activation: enter the code ${code} in the console of the server`);
    } else if (before !== undefined) log.info({}, 'activation is over: the box belongs to somebody');
  }

  #question() {
    const { caFile, caller } = this.#parts;
    return {
      headers: callHeaders(caller()),
      deadlineMs: DEADLINE_MS,
      ...(caFile === undefined ? {} : { caFile }),
    };
  }

  #configured(answer: WebAnswer): Event {
    const { url, known, blanked, log } = this.#parts;
    const read = answer.ok
      ? readConfiguration(answer.status, answer.text, url, blanked)
      : { ok: false as const, why: answer.reason };
    if (!read.ok) {
      if (this.#trouble !== read.why) log.warn({ url, why: read.why }, 'the configuration call failed');
      this.#trouble = read.why;
      return { type: 'setup.failed', why: read.why };
    }
    const isNews = this.#trouble !== null;
    this.#trouble = null;
    const { endpoint, activation } = read.configuration;
    const changed = endpoint !== null && known.take(endpoint);
    if (activation !== null)
      return {
        type: 'setup.activating',
        code: activation.code ?? '',
        message: activation.message,
        challenge: activation.challenge,
      };
    this.#unproven = null;
    // While a server is away it is asked about once a minute, and has nothing new to say.
    const level = isNews || changed ? 'info' : 'debug';
    log[level]({ server: known.url, changed }, 'the configuration call was answered');
    return { type: 'setup.done', changed };
  }

  #proof(challenge: string | null): string {
    const { caller, sign, log } = this.#parts;
    const { serial } = caller();
    if (serial === null || challenge === null) return activateBody(null);
    const proof = sign(challenge);
    const missing =
      'missing' in proof ? `the key of the serial number cannot be read: ${proof.missing}` : null;
    // Asked every 3 s, for as long as nobody mends it.
    if ('missing' in proof && missing !== this.#unproven)
      log.error({ reason: proof.missing }, 'the key of the serial number cannot be read');
    this.#unproven = missing;
    return activateBody('hmac' in proof ? { serial, challenge, hmac: proof.hmac } : null);
  }
}

function polledOf(answer: WebAnswer): Event {
  return { type: 'setup.polled', result: answer.ok ? readActivation(answer.status) : 'failed' };
}
