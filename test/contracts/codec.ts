// What every codec must keep, whatever binding it is made of: run by the test file of each adapter.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { Codec, Decoder } from '../../src/ports.ts';
import { voice } from '../helpers/opus-sound.ts';
import { largestStep, measure, rms, tone } from '../helpers/tone.ts';

const RATES_HZ = [8000, 12_000, 16_000, 24_000, 48_000] as const;
const DURATIONS_MS = [2.5, 5, 10, 20, 40, 60, 80, 100, 120] as const;
const ENCODER = { bitrateBps: 24_000, complexity: 5 };
const PACKET_BYTES = 1920;

type Evan = {
  Encoder: new (options: {
    channels: 1 | 2;
    sample_rate: number;
    application: string;
  }) => {
    bitrate: number;
    encode(pcm: Uint8Array): Uint8Array;
  };
};
/** As a source of packets that our own encoder never makes. */
const evan: Evan = createRequire(import.meta.url)('@evan/opus');

/** 600 ms of a tone in the other of the two coders that Opus is made of. */
function musicPackets(): readonly Uint8Array[] {
  const encoder = new evan.Encoder({ channels: 1, sample_rate: 48_000, application: 'restricted_lowdelay' });
  const pcm = tone(440, 600, 48_000);
  return Array.from({ length: 30 }, (_, n) => encoder.encode(pcm.subarray(n * 1920, (n + 1) * 1920)));
}

export function codecContract(name: string, codec: Codec): void {
  /** 600 ms of a tone as the uplink would send it. */
  function uplinkPackets(): readonly Uint8Array[] {
    const encoder = codec.encoder(ENCODER);
    const pcm = tone(440, 600, 16_000);
    return Array.from({ length: 10 }, (_, n) =>
      encoder.encode(pcm.subarray(n * PACKET_BYTES, (n + 1) * PACKET_BYTES)),
    );
  }

  test(`${name}: a tone survives the round trip at each rate of Opus`, () => {
    for (const rateHz of RATES_HZ) {
      const decoder = codec.decoder(rateHz);
      const pcm = Buffer.concat(uplinkPackets().map((packet) => decoder.decode(packet) ?? new Uint8Array(0)));
      assert.equal(pcm.length, 0.6 * rateHz * 2);
      const { hz, holes } = measure(pcm, rateHz);
      assert.ok(Math.abs(hz - 440) < 2, `${hz} Hz at ${rateHz}`);
      assert.equal(holes, 0);
    }
  });

  test(`${name}: after a reset it decodes as if it were new, whatever came before`, () => {
    const packets = uplinkPackets();
    const all = (decoder: Decoder) =>
      Buffer.concat(packets.map((packet) => decoder.decode(packet) ?? new Uint8Array(0)));
    const used = codec.decoder(24_000);
    for (const packet of musicPackets()) used.decode(packet);
    used.conceal(60);
    used.reset();
    assert.ok(
      used.conceal(60).every((byte) => byte === 0),
      'there is nothing to invent from',
    );
    used.reset();
    assert.deepEqual(all(used), all(codec.decoder(24_000)));
    codec.decoder(24_000).reset();
  });

  test(`${name}: packets of any rate, length and channel count come out in the decoder's own rate, mono`, () => {
    for (const sourceHz of RATES_HZ) {
      for (const durationMs of DURATIONS_MS) {
        for (const channels of [1, 2] as const) {
          const encoder = new evan.Encoder({ channels, sample_rate: sourceHz, application: 'audio' });
          const packet = encoder.encode(tone(440, durationMs * channels, sourceHz));
          for (const rateHz of RATES_HZ) {
            const pcm = codec.decoder(rateHz).decode(packet);
            assert.equal(pcm?.length, (durationMs / 1000) * rateHz * 2, `${durationMs} ms, ${sourceHz} Hz`);
          }
        }
      }
    }
  });

  test(`${name}: speaks in fewer bits when told to, and in more again, within the same stream`, () => {
    const encoder = codec.encoder(ENCODER);
    const bytesAt = (bitrateBps: number) => {
      encoder.setBitRate(bitrateBps);
      const pcm = voice(3_000);
      const sizes = Array.from(
        { length: pcm.length / PACKET_BYTES },
        (_, n) => encoder.encode(pcm.subarray(n * PACKET_BYTES, (n + 1) * PACKET_BYTES)).length,
      );
      return sizes.reduce((sum, size) => sum + size, 0);
    };
    const [much, little, muchAgain] = [bytesAt(24_000), bytesAt(8_000), bytesAt(24_000)];
    assert.ok(little < much * 0.5 && muchAgain > little * 2, `${much}, ${little}, ${muchAgain} bytes`);
  });

  test(`${name}: PCM of any other length than 60 ms is a RangeError, and the encoder goes on`, () => {
    const encoder = codec.encoder(ENCODER);
    for (const bytes of [0, 1, 200, 640, 1918, 1919, 1921, 1922, 3840, 100_000]) {
      assert.throws(() => encoder.encode(new Uint8Array(bytes)), RangeError, `${bytes} bytes`);
    }
    assert.ok(encoder.encode(tone(440, 60, 16_000)).length > 20);
  });

  test(`${name}: PCM that lies at an odd address is encoded like any other`, () => {
    const pcm = tone(440, 60, 16_000);
    const shifted = new Uint8Array(PACKET_BYTES + 1);
    shifted.set(pcm, 1);
    const expected = codec.encoder(ENCODER).encode(pcm);
    assert.deepEqual(Buffer.from(codec.encoder(ENCODER).encode(shifted.subarray(1))), Buffer.from(expected));
  });

  test(`${name}: bit rate and complexity reach the encoder`, () => {
    const bytesAt = (bitrateBps: number, complexity: number) => {
      const encoder = codec.encoder({ bitrateBps, complexity });
      const noise = Uint8Array.from({ length: PACKET_BYTES * 10 }, (_, n) => (n * 7919 * (n % 251)) & 0x3f);
      const packets = Array.from({ length: 10 }, (_, n) =>
        Buffer.from(encoder.encode(noise.subarray(n * PACKET_BYTES, (n + 1) * PACKET_BYTES))),
      );
      return Buffer.concat(packets);
    };
    assert.ok(bytesAt(48_000, 5).length > 1.5 * bytesAt(12_000, 5).length);
    assert.notDeepEqual(bytesAt(24_000, 0), bytesAt(24_000, 10));
  });

  test(`${name}: an empty, corrupt or overlong packet is undefined, and the decoder goes on`, () => {
    const decoder = codec.decoder(24_000);
    const [first, second] = uplinkPackets();
    assert.ok(first !== undefined && second !== undefined);
    decoder.decode(first);
    const bad = [
      [],
      // Code 3 with no frames; with 7 x 20 ms = 140 ms; with 3 x 60 ms; without its count byte.
      [0xfb, 0x00, 0x01],
      [0xfb, 0x07, ...Array<number>(70).fill(1)],
      [0x5b, 0x03, ...Array<number>(60).fill(1)],
      [0xfb],
      // Code 1: two frames of equal length out of an odd number of bytes. Code 2: a length beyond the end.
      [0xf9, 1, 2, 3],
      [0xfa, 0xfb, 0xff],
    ];
    for (const bytes of bad) assert.equal(decoder.decode(Uint8Array.from(bytes)), undefined, String(bytes));
    assert.equal(decoder.decode(second)?.length, 2880);
  });

  test(`${name}: no noise on the wire makes the decoder throw or answer more than 120 ms`, () => {
    const decoder = codec.decoder(24_000);
    let seed = 20_261_122;
    const random = () => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return seed >>> 24;
    };
    for (let n = 0; n < 3000; n += 1) {
      const packet = Uint8Array.from({ length: random() }, random);
      const pcm = decoder.decode(packet);
      assert.ok(pcm === undefined || pcm.length <= 5760, `seed 20261122, packet ${n}: ${pcm?.length} bytes`);
    }
  });

  test(`${name}: what it returned is not overwritten by the next packet`, () => {
    const encoder = codec.encoder(ENCODER);
    const packet = encoder.encode(tone(440, 60, 16_000));
    const packetCopy = Buffer.from(packet);
    encoder.encode(tone(1000, 60, 16_000));
    assert.deepEqual(Buffer.from(packet), packetCopy);
    const [first, second] = uplinkPackets();
    assert.ok(first !== undefined && second !== undefined);
    const pcm = codec.decoder(24_000).decode(first);
    assert.ok(pcm !== undefined);
    const pcmCopy = Buffer.from(pcm);
    codec.decoder(24_000).decode(second);
    assert.deepEqual(Buffer.from(pcm), pcmCopy);
  });

  test(`${name}: a gap is bridged with exactly the length asked for, at most 120 ms`, () => {
    for (const rateHz of RATES_HZ) {
      const decoder = codec.decoder(rateHz);
      for (const durationMs of [20, 60])
        assert.equal(decoder.conceal(durationMs).length, (durationMs * rateHz) / 500);
      for (const packet of uplinkPackets()) decoder.decode(packet);
      for (const durationMs of [2.5, 5, 7.5, 20, 60, 120]) {
        assert.equal(decoder.conceal(durationMs).length, (durationMs * rateHz) / 500, `${durationMs} ms`);
      }
      assert.equal(decoder.conceal(500).length, (120 * rateHz) / 500);
      assert.equal(decoder.conceal(0).length, 0);
      assert.equal(decoder.conceal(-5).length, 0);
    }
  });

  test(`${name}: before the first packet a gap is silence`, () => {
    assert.equal(rms(codec.decoder(24_000).conceal(60)), 0);
  });

  test(`${name}: an invented sound joins the last one without a click, fades out and ends in silence`, () => {
    const kinds = { speech: uplinkPackets(), music: musicPackets() };
    for (const [kind, packets] of Object.entries(kinds)) {
      for (const rateHz of RATES_HZ) {
        for (const stepMs of [5, 20, 60, 120]) assertFade(packets, rateHz, stepMs, kind);
      }
    }
  });

  function assertFade(packets: readonly Uint8Array[], rateHz: number, stepMs: number, kind: string): void {
    const decoder = codec.decoder(rateHz);
    const decoded = packets.map((packet) => decoder.decode(packet) ?? new Uint8Array(0));
    const before = Buffer.concat(decoded.slice(decoded.length / 2));
    const invented = Buffer.concat(Array.from({ length: 240 / stepMs }, () => decoder.conceal(stepMs)));
    const at = `${kind}, ${rateHz} Hz, ${stepMs} ms a call`;
    const usual = largestStep(before);
    const steepest = largestStep(Buffer.concat([before, invented]));
    assert.ok(steepest <= usual * 1.25, `${at}: a step of ${steepest}, usual are ${usual}`);
    const part = (fromMs: number, toMs: number) =>
      rms(invented.subarray((fromMs * rateHz) / 500, (toMs * rateHz) / 500));
    assert.ok(part(0, 20) > 2000, `${at}: begins at ${part(0, 20)}`);
    assert.ok(part(60, 80) < part(0, 20) * 0.6, `${at}: after 60 ms ${part(60, 80)}`);
    assert.ok(part(90, 100) < part(0, 20) * 0.1, `${at}: at its end ${part(90, 100)}`);
    assert.equal(part(100, 240), 0, at);
  }

  test(`${name}: speech goes on after a gap at its old level`, () => {
    const decoder = codec.decoder(24_000);
    const packets = uplinkPackets();
    for (const packet of packets.slice(0, 5)) decoder.decode(packet);
    decoder.conceal(120);
    const after = packets.slice(5).map((packet) => decoder.decode(packet) ?? new Uint8Array(0));
    assert.ok(rms(after.at(-1) ?? new Uint8Array(0)) > 7000);
    assert.ok(rms(decoder.conceal(20)) > 2000, 'and the next gap begins at that level too');
  });

  test(`${name}: a decoder for a rate that Opus does not have is a mistake`, () => {
    assert.throws(() => codec.decoder(44_100), RangeError);
  });
}
