// A parrot on a free port with a clock moved by hand and a log that is kept, for the tests of src/server. Knows no test.

import type { TestContext } from 'node:test';
import type { ListenMode } from '../../src/protocol/messages.ts';
import { type LocalServer, startServer } from '../../src/server/parrot.ts';
import { type HandClock, handClock } from '../helpers/hand-clock.ts';
import { soundCodec } from '../helpers/opus-sound.ts';
import { DEVICE_HEADERS, DEVICE_HELLO, type RawDevice, rawDevice } from '../helpers/raw-device.ts';

export type Line = { readonly level: string; readonly text: string; readonly fields: object };

export type Rig = {
  readonly server: LocalServer;
  readonly clock: HandClock;
  readonly lines: readonly Line[];
  /** Connected, greeted, tools not answered for. */
  device(headers?: Readonly<Record<string, string>>): Promise<RawDevice>;
};

export async function rig(t: TestContext, options: { readonly token?: string } = {}): Promise<Rig> {
  const clock = handClock();
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, text: string) => {
    lines.push({ level, text, fields });
  };
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    codec: soundCodec(),
    clock,
    log,
    ...options,
  });
  t.after(async () => {
    const stopped = server.stop();
    clock.advance(1_000);
    await stopped;
  });
  return {
    server,
    clock,
    lines,
    async device(headers = DEVICE_HEADERS) {
      const device = await rawDevice(server.url, headers);
      device.say(DEVICE_HELLO);
      await device.next('hello');
      return device;
    },
  };
}

export function listen(device: RawDevice, mode: ListenMode): void {
  device.say({ type: 'listen', state: 'start', mode });
}

export function sendAll(device: RawDevice, packets: readonly Uint8Array[]): void {
  for (const packet of packets) device.send(packet);
}

/** How often the device was told this. */
export function count(device: RawDevice, type: string, state?: string): number {
  return device.told.filter(
    (told) =>
      told.kind === 'text' &&
      told.message?.type === type &&
      (state === undefined || ('state' in told.message && told.message.state === state)),
  ).length;
}
