// What single kinds of server do that the others do not, and that is no failure (protocol.md §3, §8): each as a good conversation
// with one part done as that server does it. Must not know the agent. To add one: write the part, name it in `quirks`, and
// show in test/server/quirks.test.ts that it does what its name says.

import {
  announce,
  brokenOffInAnswer,
  conversation,
  DEFAULTS,
  type FaultOptions,
  firstHalf,
  good,
  isAbort,
  isListenStart,
  leftAlone,
  type Parts,
} from './good-conversation.ts';
import { tonePackets } from './opus-sound.ts';
import { messageOf, type Script, type Session } from './scripted-server.ts';

/** After the last turn it ends the session in its own way. */
function whenIdle(end: (session: Session) => void, goodbye: 'aloud' | 'silent'): Pick<Parts, 'await'> {
  return {
    async await(session, settings) {
      const start = await session.pause(settings.idleMs, isListenStart);
      if (start !== undefined) return start;
      if (goodbye === 'aloud') await announce(session, settings);
      end(session);
      return undefined;
    },
  };
}

/** The person has said that this was all: no answer, the end. */
function atExitWord(end: (session: Session) => void): Pick<Parts, 'understood'> {
  return {
    async understood(session) {
      session.say({ type: 'stt', text: '退出' });
      end(session);
      await leftAlone(session);
      return false;
    },
  };
}

const politely = (session: Session) => session.close();
const rudely = (session: Session) => session.terminate();

export const quirks = {
  /** Official: no session can be begun. */
  sessionRefused: conversation({
    async greet(session) {
      await session.next('hello', Number.POSITIVE_INFINITY);
      for (const _ of [1, 2]) session.raw('{"session_id":null,"type":"goodbye"}');
      session.raw('{"type":"error","message":"session failed"}');
      await leftAlone(session);
    },
  }),

  /** Official: a goodbye in mid-conversation. */
  hangsUpInAnswer: brokenOffInAnswer((session) => session.close()),

  /** Python: its own interruption and ours are both confirmed; also Go 2, where `listen start` is an interruption too. */
  stopsTwice: conversation({
    async finish(session, settings) {
      await good.finish(session, settings);
      session.say({ type: 'tts', state: 'stop' });
    },
    aborted(session) {
      for (const _ of [1, 2]) session.say({ type: 'tts', state: 'stop' });
    },
  }),

  /** Python: `tts start` comes with the `stt`, long before there is anything to hear. */
  soundComesLate: conversation({
    async speak(session, packets, settings) {
      return (
        (await session.pause(settings.stallMs, isAbort)) ?? (await session.packets(packets, {}, isAbort))
      );
    },
  }),

  /** Python, in auto mode: it hears somebody speak over its answer, and begins another one. */
  interruptsItself: conversation({
    async speak(session, packets) {
      await session.packets(firstHalf(packets));
      session.say({ type: 'tts', state: 'stop' });
      session.say({ type: 'stt', text: 'no, another one' });
      session.say({ type: 'tts', state: 'start' });
      return session.packets(packets, {}, isAbort);
    },
  }),

  /** Python: an exit word is understood, and that is the end; Go 2 cuts TCP instead. */
  hangsUpAtExitWord: conversation(atExitWord(politely)),
  cutsAtExitWord: conversation(atExitWord(rudely)),

  /** Python: the model has understood that somebody takes leave, and says goodbye itself. */
  goodbyeToTheUser: conversation({
    async finish(session, settings) {
      await good.finish(session, settings);
      session.close();
      await leftAlone(session);
    },
  }),

  /** Python without an end prompt, and its hard limit. */
  hangsUpWhenIdle: conversation(whenIdle(politely, 'silent')),
  /** Go 1, and a proxy in between. */
  cutsWhenIdle: conversation(whenIdle(rudely, 'silent')),
  /** Go 2: goodbye, and no close frame. */
  goodbyeThenCut: conversation(whenIdle(rudely, 'aloud')),

  /** Python before 0.9.7 pings; here, whoever does not answer that is not spoken to. */
  pingsAndWaits: conversation({
    async greet(session) {
      await good.greet(session);
      await session.ping();
    },
  }),

  /** Python returns what is no JSON, Go 1 every type that it does not know. */
  echoes: conversation({
    async greet(session) {
      await good.greet(session);
      session.raw('not for you');
      const heard = await session.next((one) => messageOf(one)?.type === 'mcp', DEFAULTS.answerWithinMs);
      if (heard.kind === 'text') session.raw(heard.text);
    },
  }),

  /** Go 1: a version in everything, and more than one knows in the hello. */
  saysVersions: conversation({
    async greet(session) {
      await session.next('hello', Number.POSITIVE_INFINITY);
      const audio_params = { format: 'opus', sample_rate: 16_000, channels: 1, frame_duration: 60 };
      session.sessionId = 'go-1';
      const more = { session_id: session.sessionId, version: 0, text: '' };
      session.raw(JSON.stringify({ ...more, type: 'hello', transport: 'websocket', audio_params }));
    },
    async understood(session, heard) {
      const more = { version: 0, session_id: session.sessionId };
      session.raw(JSON.stringify({ ...more, type: 'stt', text: `${heard.length} packets` }));
      session.raw(JSON.stringify({ ...more, type: 'tts', state: 'start', text: '' }));
      session.raw(JSON.stringify({ ...more, type: 'tts', state: 'sentence_start', text: 'a' }));
      return true;
    },
    async finish(session) {
      const more = { version: 0, session_id: session.sessionId, type: 'tts' };
      session.raw(JSON.stringify({ ...more, state: 'sentence_end', text: 'a' }));
      session.raw(JSON.stringify({ ...more, state: 'stop' }));
    },
  }),

  /** Go 2: more keys in `tts`, and a session that is named after the device. */
  saysMore: conversation({
    async greet(session) {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.hello({ sessionId: 'device-02_00_00_00_00_01' });
    },
    async understood(session, heard) {
      session.say({ type: 'stt', text: `${heard.length} packets` });
      sayMore(session, 'start', '');
      sayMore(session, 'sentence_start', 'a');
      return true;
    },
    async finish(session) {
      sayMore(session, 'sentence_end', 'a');
      sayMore(session, 'stop', '');
    },
  }),

  /** Java, and Go 1 by default: 16 kHz, as it says. */
  sixteen: (options: FaultOptions = {}): Script =>
    conversation({
      async greet(session) {
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello({ audio: { sampleRateHz: 16_000 } });
      },
    })({ ...options, answer: options.answer ?? tonePackets(1_000, 60, 16_000) }),

  /** Java: a device that belongs to nobody is greeted, and whatever it says then is answered with a number to enter. */
  captcha: conversation({
    async greet(session) {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.hello({ audio: { sampleRateHz: 16_000 } });
    },
    async await(session, settings) {
      for (;;) {
        await session.next((one) => messageOf(one) !== undefined, Number.POSITIVE_INFINITY);
        await announce(session, settings);
      }
    },
  }),

  /** Java: the device is not to be recognised. */
  invalidData: conversation({
    async greet(session) {
      session.close(1007, 'device id is missing');
      await leftAlone(session);
    },
  }),
} as const satisfies Record<string, (options?: FaultOptions) => Script>;

function sayMore(session: Session, state: string, text: string): void {
  const more = { index: 0, audio_codec: 'opus', session_id: session.sessionId };
  session.raw(JSON.stringify({ type: 'tts', state, text, ...more }));
}
