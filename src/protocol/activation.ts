// Asking whether the owner has entered the code: where, with what, and what the answer means. The signature is made
// elsewhere, for this file knows no secret.

/** A path that ends in a slash is continued, any other gets one: what the reference firmware does. */
export function activateUrl(configurationUrl: string): string {
  const url = new URL(configurationUrl);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/activate`;
  return url.href;
}

export type Proof = { readonly serial: string; readonly challenge: string; readonly hmac: string };

/** Version 1 says nothing; version 2 proves that the board is the one with that serial number. */
export function activateBody(proof: Proof | null): string {
  if (proof === null) return '{}';
  const { serial: serial_number, challenge, hmac } = proof;
  return JSON.stringify({ algorithm: 'hmac-sha256', serial_number, challenge, hmac });
}

/** `unsupported`: only the configuration call itself will tell. */
export type Polled = 'bound' | 'pending' | 'unsupported' | 'failed';

export function readActivation(status: number): Polled {
  if (status === 200) return 'bound';
  if (status === 202) return 'pending';
  return status === 404 || status === 405 || status >= 500 ? 'unsupported' : 'failed';
}
