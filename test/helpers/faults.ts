// Every way a real server has been seen to fail, each as a script for scripted-server.ts: a good conversation with one
// part done differently. Must not know the agent. To add one: write the part, name it in `faults`, and show in
// test/server/faults.test.ts that it does what its name says.

import {
  ANNOUNCEMENT_MS,
  announce,
  askInitialize,
  brokenOffInAnswer,
  conversation,
  DEFAULTS,
  type FaultOptions,
  firstHalf,
  good,
  isAbort,
  isListenStart,
  leftAlone,
} from './good-conversation.ts';
import { DTX_60_MS, tonePackets } from './opus-sound.ts';
import { messageOf, type Script } from './scripted-server.ts';

export type { FaultOptions } from './good-conversation.ts';
export { goodConversation } from './good-conversation.ts';

/** A server that does not pace at all: 6 s of sound at once. */
const BURST_PACKETS = 100;
/** One byte, SILK wideband, 60 ms, no data: what an encoder with DTX sends in silence. */
const DTX_PACKET = Uint8Array.of(DTX_60_MS);

export const faults = {
  /** The socket opens and that is all (unbound device, wrong token on some servers). */
  noHello: conversation({ greet: leftAlone }),

  /** The first hello of all is lost while the server is still looking the device up; any later one is answered. */
  helloDroppedOnce: (options?: FaultOptions): Script => {
    let dropped = 0;
    return conversation({
      async greet(session) {
        if (dropped === 0) {
          await session.next('hello', Number.POSITIVE_INFINITY);
          dropped += 1;
        }
        await good.greet(session);
      },
    })(options);
  },

  /** The hello echoes 16000 Hz and 20 ms, the audio is 24000 Hz and 60 ms all the same. */
  falseHello: (options: FaultOptions = {}): Script =>
    conversation({
      async greet(session) {
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello({ audio: { sampleRateHz: 16_000, frameMs: 20 } });
        askInitialize(session);
      },
    })({ ...options, answer: options.answer ?? tonePackets(ANNOUNCEMENT_MS, 60) }),

  /** A device that belongs to nobody is told so, aloud, and never gets a hello. */
  unbound: (options: FaultOptions = {}): Script =>
    conversation({
      async greet(session) {
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.say({ type: 'stt', text: 'log in to the console, enter code 123456' });
        await announce(session, { ...DEFAULTS, ...options });
        await leftAlone(session);
      },
    })(options),

  /** A wrong token, the way the most used server says it. */
  plainTextThenClose: conversation({
    async greet(session) {
      session.raw('认证失败');
      session.close();
      await leftAlone(session);
    },
  }),

  /** A wrong token, the way HTTP says it. */
  unauthorized: conversation({}, () => ({ refuse: 401, body: 'invalid token' })),

  resetInAnswer: brokenOffInAnswer((session) => session.reset()),

  blackHoleAfterHello: conversation({
    async greet(session) {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.hello();
      session.blackHole();
      await leftAlone(session);
    },
  }),

  blackHoleInAnswer: brokenOffInAnswer((session) => session.blackHole()),

  /** The network or a tool takes its time: longer than any server's head start. */
  stallInAnswer: conversation({
    async speak(session, packets, settings) {
      const half = firstHalf(packets);
      const interruption =
        (await session.packets(half, {}, isAbort)) ?? (await session.pause(settings.stallMs, isAbort));
      // What was late is late: afterwards it goes on one by one, with no burst to catch up.
      return interruption ?? session.packets(packets.slice(half.length), { burst: 1 }, isAbort);
    },
  }),

  /** `tts stop` comes while most of the audio is still in the device's buffer. */
  promptStop: conversation({
    async finish(session) {
      session.say({ type: 'tts', state: 'stop' });
    },
  }),

  /** The abort is confirmed in another way. */
  noStopAfterAbort: conversation({
    aborted(session) {
      session.say({ type: 'abort', state: 'success' });
    },
  }),

  /** A hundred packets at once. */
  burst: conversation({
    speak(session, packets) {
      const many = packets.length === 0 ? [DTX_PACKET] : packets;
      const all = Array.from({ length: BURST_PACKETS }, (_, i) => many[i % many.length] ?? DTX_PACKET);
      return session.packets(all, { burst: BURST_PACKETS }, isAbort);
    },
  }),

  /** 20 ms a packet, whatever was asked for. */
  shortFrames: (options: FaultOptions = {}): Script =>
    conversation({
      speak: (session, packets) => session.packets(packets, { burst: 15, everyMs: 20 }, isAbort),
    })({ ...options, answer: options.answer ?? tonePackets(ANNOUNCEMENT_MS, 20) }),

  /** Every other packet has one byte. */
  dtx: conversation({
    speak: (session, packets) =>
      session.packets(
        packets.flatMap((packet) => [packet, DTX_PACKET]),
        {},
        isAbort,
      ),
  }),

  /** Between the proper messages: words, half an object, and JSON that is no message. */
  nonJsonText: conversation({
    async greet(session) {
      session.raw('端口正常');
      await good.greet(session);
      for (const text of ['{"type":"tts","state"', 'null', '[]', '42', '""', '{}', '']) session.raw(text);
    },
    async speak(session, packets) {
      session.raw('<html>');
      const interruption = await session.packets(packets, {}, isAbort);
      session.raw('undefined');
      return interruption;
    },
  }),

  /** Tool calls begin to count at 1 again, and twice: both want their answer. */
  duplicateMcpIds: (options: FaultOptions = {}): Script =>
    conversation({
      async greet(session) {
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello();
        const call = {
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'self.get_device_status' },
        };
        askInitialize(session);
        session.say({ type: 'mcp', payload: call });
        session.say({ type: 'mcp', payload: call });
        for (let answers = 0; answers < 3; answers += 1) {
          await session.next((heard) => {
            const message = messageOf(heard);
            return message?.type === 'mcp' && message.payload.id === 1;
          }, options.answerWithinMs ?? DEFAULTS.answerWithinMs);
        }
      },
    })(options),

  /** A spoken goodbye when no turn has begun for a while, then an ordinary close. */
  goodbyeAfterIdle: conversation({
    async await(session, settings) {
      const start = await session.pause(settings.idleMs, isListenStart);
      if (start !== undefined) return start;
      await announce(session, settings);
      session.close();
      return undefined;
    },
  }),
} as const satisfies Record<string, (options?: FaultOptions) => Script>;
