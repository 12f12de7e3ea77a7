// A server of the scripted kind, a bare client at its door and time moved by hand: for the tests of what scripts do.
import type { TestContext } from 'node:test';
import { type HandClock, handClock } from '../helpers/hand-clock.ts';
import { packets, voice } from '../helpers/opus-sound.ts';
import { DEVICE_HELLO, type RawDevice, rawDevice } from '../helpers/raw-device.ts';
import { type Script, type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';
import { listen, sendAll } from './parrot-rig.ts';

/** A second, as faults take for an utterance: 17 packets. */
export const SPOKEN = packets(voice(1_020));

export type Stage = {
  readonly server: ScriptedServer;
  readonly clock: HandClock;
  readonly device: RawDevice;
};

export async function stage(t: TestContext, script: Script): Promise<Stage> {
  const clock = handClock();
  const server = await startScriptedServer(script, clock);
  t.after(() => server.stop());
  return { server, clock, device: await rawDevice(server.url) };
}

export async function greet(device: RawDevice): Promise<void> {
  device.say(DEVICE_HELLO);
  await device.next('hello');
}

export async function speak(device: RawDevice): Promise<void> {
  listen(device, 'auto');
  sendAll(device, SPOKEN);
  await device.next('tts', 'sentence_start');
}

/** In steps, so that a script can ask for its next timer in between. */
export async function pass(clock: HandClock, durationMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += 20) {
    clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function same(left: readonly Uint8Array[], right: readonly Uint8Array[]): boolean {
  return (
    left.length === right.length && left.every((one, i) => Buffer.from(one).equals(right[i] ?? Buffer.of()))
  );
}
