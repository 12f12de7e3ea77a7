// What a server should not say: hellos that come late, twice or with nonsense, messages of another session, text that is no
// message, tools called in every wrong way. After each the next conversation works.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../src/protocol/messages.ts';
import { agentRig } from '../helpers/agent-rig.ts';
import { until } from '../helpers/card.ts';
import { isListenStart } from '../helpers/good-conversation.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { messageOf, type Session, startScriptedServer } from '../helpers/scripted-server.ts';

/** Of 60 ms. */
const UTTERANCE_PACKETS = 5;

/** One turn from the button to the end of the answer. */
async function converse(session: Session): Promise<void> {
  await session.next(isListenStart, Number.POSITIVE_INFINITY);
  for (let packets = 0; packets < UTTERANCE_PACKETS; packets += 1)
    await session.next(({ kind }) => kind === 'binary');
  session.say({ type: 'stt', text: 'hello' });
  session.say({ type: 'tts', state: 'start' });
  await session.packets(tonePackets(240, 60));
  session.say({ type: 'tts', state: 'stop' });
}

/** Greets badly, or says something bad after a good greeting; then holds a conversation. */
function withBad(bad: (session: Session) => void | Promise<void>) {
  return async () => {
    let told = false;
    let over = false;
    const server = await startScriptedServer(async (session) => {
      await session.next('hello', Number.POSITIVE_INFINITY);
      await bad(session);
      told = true;
      await converse(session);
      over = true;
    });
    const rig = agentRig(server.url);
    try {
      await rig.linkIs('ready');
      await until(() => told, 'all that is bad');
      rig.press();
      await until(() => over, 'a conversation');
      await rig.turnIs('listening');
      assert.equal(server.sessions.length, 1, 'on one connection');
    } finally {
      rig.stop();
      await server.stop();
    }
  };
}

const HELLO = { type: 'hello', transport: 'websocket', session_id: 's' };

describe('a hello', () => {
  it(
    'may come late',
    withBad(async (session) => {
      await session.pause(300);
      session.hello();
    }),
  );

  it(
    'may come twice, and again later with another format',
    withBad((session) => {
      session.hello();
      session.hello();
      session.hello({ audio: { sampleRateHz: 16_000, frameMs: 20 } });
    }),
  );

  const AUDIO: readonly JsonObject[] = [
    { sample_rate: 0 },
    { sample_rate: 1e9 },
    { sample_rate: 'x' },
    { sample_rate: null, frame_duration: 0 },
    { format: 7, channels: -1, frame_duration: 1e300 },
  ];
  for (const audio_params of AUDIO)
    it(
      `may say ${JSON.stringify(audio_params)}`,
      withBad((session) => session.raw(JSON.stringify({ ...HELLO, audio_params }))),
    );

  it(
    'without a session, or with a very long one, is a hello',
    withBad((session) => {
      session.raw(JSON.stringify({ type: 'hello', transport: 'websocket' }));
      session.raw(JSON.stringify({ ...HELLO, session_id: 's'.repeat(15_000) }));
    }),
  );

  it(
    'without a transport is none',
    withBad(async (session) => {
      session.raw('{"type":"hello"}');
      session.hello();
    }),
  );
});

describe('a session id of a megabyte', () => {
  for (const [what, idChars] of [
    ['that fits into a message is no hello', 1_000_000],
    ['that does not ends the connection', 1_048_576],
  ] as const)
    it(`${what}, and the next one is taken`, async () => {
      const server = await startScriptedServer(async (session) => {
        await session.next('hello', Number.POSITIVE_INFINITY);
        if (session.index > 0) session.hello();
        else session.raw(JSON.stringify({ ...HELLO, session_id: 's'.repeat(idChars) }));
        await session.next(() => false, Number.POSITIVE_INFINITY);
      });
      const rig = agentRig(server.url);
      try {
        await rig.linkIs('waiting');
        rig.agent.dispatch({ type: 'reconnect.asked' });
        await rig.linkIs('ready');
        assert.equal(server.sessions.length, 2);
      } finally {
        rig.stop();
        await server.stop();
      }
    });
});

describe('an error in the place of a hello', () => {
  it('becomes a reason that fits into one line, and steers no terminal', async () => {
    const server = await startScriptedServer(async (session) => {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.say({ type: 'error', message: `\u001b[2J\n<0>${'x'.repeat(10_000)}` });
      await session.next(() => false, Number.POSITIVE_INFINITY);
    });
    const rig = agentRig(server.url);
    try {
      await rig.linkIs('waiting');
      const link = rig.links.find(({ phase }) => phase === 'waiting');
      const reason = link?.phase === 'waiting' ? link.loss.reason : '';
      assert.match(reason, /^the server begins no session: \\u001b\[2J\\u000a<0>x+…$/);
      assert.ok(reason.length < 250, `${reason.length} characters`);
    } finally {
      rig.stop();
      await server.stop();
    }
  });
});

describe('text that is no message', () => {
  const deep = '['.repeat(100_000);
  const TEXTS = [
    '',
    '\uFEFF{"type":"stt","text":"x"}',
    '{',
    'null',
    '{"type":7}',
    deep,
    `{"type":"stt","text":"\\ud800"}`,
    '{"type":"__proto__"}',
    '{"__proto__":{"type":"goodbye"}}',
    `{"${'k'.repeat(50_000)}":1}`,
    'a\u0000b',
    '{"type":"tts","state":"dance"}',
  ];
  const say = (session: Session) => {
    for (const text of TEXTS) session.raw(text);
  };
  it(
    'is passed over before the hello',
    withBad((session) => {
      say(session);
      session.hello();
    }),
  );
  it(
    'is passed over after it',
    withBad((session) => {
      session.hello();
      say(session);
    }),
  );
});

describe('a message of another session', () => {
  it('does not end the answer of this one', async () => {
    let old = '';
    let over = false;
    const server = await startScriptedServer(async (session) => {
      await session.next('hello', Number.POSITIVE_INFINITY);
      session.hello();
      if (session.index === 0) {
        old = session.sessionId;
        await session.next(() => false, Number.POSITIVE_INFINITY);
      }
      await session.next(isListenStart, Number.POSITIVE_INFINITY);
      session.say({ type: 'stt', text: 'hello' });
      session.say({ type: 'tts', state: 'start' });
      session.raw(JSON.stringify({ session_id: old, type: 'tts', state: 'stop' }));
      await session.packets(tonePackets(900, 60));
      session.say({ type: 'tts', state: 'stop' });
      over = true;
    });
    const rig = agentRig(server.url);
    try {
      await rig.linkIs('ready');
      server.sessions[0]?.terminate();
      await until(() => server.sessions.length === 2, 'a second connection');
      await rig.linkIs('ready');
      rig.press();
      await rig.turnIs('speaking');
      await until(() => over, 'the end of the answer');
      const starts = server.sessions[1]?.received.filter(isListenStart).length;
      assert.equal(starts, 1, 'it did not listen again in between');
      await rig.turnIs('listening');
    } finally {
      rig.stop();
      await server.stop();
    }
  });
});

describe('a tool called wrongly', () => {
  const call = (params: unknown, id: unknown = 1) =>
    JSON.stringify({ type: 'mcp', payload: { jsonrpc: '2.0', id, method: 'tools/call', params } });
  it(
    'is answered, or passed over, a hundred times and more, and speech goes on',
    withBad(async (session) => {
      session.hello();
      const WRONG = [
        undefined,
        null,
        'x',
        [],
        {},
        { name: 7 },
        { name: 'x'.repeat(10_000) },
        { name: 'none', arguments: 'x' },
      ];
      for (const params of WRONG) session.raw(call(params));
      session.raw(call({ name: 'none', arguments: { text: 'x'.repeat(900_000) } }));
      for (const id of ['1', null, {}, 1e308]) session.raw(call({ name: 'none' }, id));
      for (let at = 0; at < 200; at += 1) session.raw(call({ name: 'none' }));
      session.raw(
        '{"type":"mcp","payload":{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}}',
      );
      session.raw(call({ name: 'last' }, 99));
      await session.next((heard) => {
        const message = messageOf(heard);
        return message?.type === 'mcp' && message.payload.id === 99;
      });
    }),
  );
});
