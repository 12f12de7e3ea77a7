// The light as it should be now: the state's sign, in the colours and the brightness that were asked for, by day and by
// night; and a short alarm when something has just failed. Knows no LED.
import { COLOURS, isConversation, RHYTHMS, type Sign, type Theme } from './core/light.ts';
import type { Cancel, Clock, Light, Log, Look } from './ports.ts';

export type LampPolicy = {
  readonly theme: Theme;
  /** Of 1. */
  readonly brightness: number;
  /** From and to, in minutes since midnight, local time. */
  readonly night: { readonly from: number; readonly to: number } | null;
  readonly nightBrightness: number;
};

/** Five quick flashes. */
const ALARM_MS = 1_000;
/** Nobody sees whether the night begins a minute late; a clock that is set right must not be waited for. */
const LOOK_EVERY_MS = 60_000;

export class Lamp {
  readonly #light: Light;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #policy: () => LampPolicy;
  #sign: Sign | null = null;
  #alarm: Cancel | null = null;
  #night: Cancel | null = null;
  #shown = '';
  #trouble: string | null = null;

  constructor(parts: { light: Light; clock: Clock; log: Log; policy: () => LampPolicy }) {
    this.#light = parts.light;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#policy = parts.policy;
  }

  status(): { readonly backend: string; readonly sign: Sign | null; readonly trouble: string | null } {
    return { backend: this.#light.means, sign: this.#sign, trouble: this.#trouble };
  }

  /** Makes it so; calling it again with the same changes nothing. */
  follow(sign: Sign): void {
    const isFirst = this.#sign === null;
    this.#sign = sign;
    if (isFirst) this.#light.start({ failed: (reason) => this.#failed(reason), works: () => this.#works() });
    this.#show();
  }

  /** Something has just failed: said at once, whatever else is shown but an open microphone. */
  alarm(): void {
    this.#alarm?.();
    this.#alarm = this.#clock.after(ALARM_MS, () => {
      this.#alarm = null;
      this.#show();
    });
    this.#show();
  }

  /** Dark, and no timer left. */
  stop(): void {
    this.#alarm?.();
    this.#night?.();
    this.#alarm = null;
    this.#night = null;
    this.#sign = null;
    this.#shown = '';
    this.#light.stop();
  }

  #show(): void {
    if (this.#sign === null) return;
    const sign = this.#alarm !== null && this.#sign !== 'listening' ? 'error' : this.#sign;
    const policy = this.#policy();
    if (policy.night !== null) this.#watchNight();
    const look = this.#look(sign, policy, this.#alarm !== null);
    const shown = JSON.stringify(look);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#light.show(look);
  }

  #look(sign: Sign, policy: LampPolicy, isAnswer: boolean): Look {
    const { theme, brightness, nightBrightness } = policy;
    const colour = COLOURS[theme][sign];
    if (!this.#isNight(policy)) return { rhythm: RHYTHMS[sign], colour, brightness };
    // An alarm answers a press: whoever is awake is to see it.
    const isSeen = isConversation(sign) || isAnswer;
    return { rhythm: isSeen ? RHYTHMS[sign] : RHYTHMS.idle, colour, brightness: nightBrightness };
  }

  #watchNight(): void {
    if (this.#night !== null) return;
    this.#night = this.#clock.after(LOOK_EVERY_MS, () => {
      this.#night = null;
      this.#show();
    });
  }

  #isNight({ night }: LampPolicy): boolean {
    if (night === null) return false;
    const now = new Date(this.#clock.wallMs());
    const minute = now.getHours() * 60 + now.getMinutes();
    // Over midnight, mostly.
    return night.from <= night.to
      ? minute >= night.from && minute < night.to
      : minute >= night.from || minute < night.to;
  }

  #failed(reason: string): void {
    if (this.#trouble === null)
      this.#log.warn({ light: this.#light.means, reason }, 'the light cannot be lit');
    this.#trouble = reason;
  }

  #works(): void {
    if (this.#trouble !== null) this.#log.info({ light: this.#light.means }, 'the light works again');
    this.#trouble = null;
  }
}
