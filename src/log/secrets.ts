// The secrets that this process knows, blanked wherever they stand, whoever has said them: a server may quote its token. Knows
// neither where they come from nor what they open.

const REDACTED = '[redacted]';
/** Shorter ones would blank parts of ordinary words. */
const SHORTEST_SECRET = 4;
/** One that was replaced may still be quoted for a while; the victim is the oldest. */
const MOST_SECRETS = 8;

export class Secrets {
  readonly #known: string[] = [];

  know(secret: string): void {
    if (secret.length < SHORTEST_SECRET || this.#known.includes(secret)) return;
    this.#known.push(secret);
    if (this.#known.length > MOST_SECRETS) this.#known.shift();
  }

  readonly blanked = (text: string): string => {
    // One may be part of another.
    const longestFirst = [...this.#known].sort((one, other) => other.length - one.length);
    return longestFirst.reduce((left, secret) => left.replaceAll(secret, REDACTED), text);
  };
}
