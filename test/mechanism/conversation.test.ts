// What a person gets of a reconnect: the next turn works as if nothing had been, compared by bytes and samples. The whole
// agent in this process, sound simulated.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstPackets, SPEAKER_HZ } from '../helpers/agent-rig.ts';
import { until } from '../helpers/card.ts';
import { goodConversation, isListenStart } from '../helpers/good-conversation.ts';
import { against, lossesOf } from '../helpers/link-rig.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import type { Session } from '../helpers/scripted-server.ts';
import { measure } from '../helpers/tone.ts';

const ANSWER_MS = 900;
const UTTERANCE = 10;
const talking = goodConversation({ answer: tonePackets(ANSWER_MS, 60), utterancePackets: UTTERANCE });

const packetsOf = (session: Session | undefined) =>
  (session?.received ?? []).flatMap((heard) => (heard.kind === 'binary' ? [heard.bytes] : []));

describe('after a reconnect', { concurrency: 4 }, () => {
  it(
    'S35 emotion and text arrive, and sound flows both ways, whole',
    against(
      async (session) => {
        if (session.index > 0) return talking(session);
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello();
        session.reset();
      },
      async (rig, server) => {
        await until(() => server.sessions.length === 2, 'a second session');
        await rig.linkIs('ready');
        rig.press();
        await rig.turnIs('speaking');
        await rig.turnIs('listening');
        assert.deepEqual(packetsOf(server.sessions[1]).slice(0, UTTERANCE), firstPackets(UTTERANCE));
        const heard = measure(rig.speaker.played(), SPEAKER_HZ);
        assert.ok(Math.abs(heard.loudMs - ANSWER_MS) <= 60, `${heard.loudMs} ms heard`);
        assert.ok(Math.abs(heard.hz - 440) < 3, `${heard.hz} Hz`);
        assert.equal(heard.holes, 0);
        const said = rig.log.lines.filter(({ text }) => text === 'server said').map(({ fields }) => fields);
        assert.ok(said.some((fields) => 'emotion' in fields && fields.emotion === 'happy'));
        assert.ok(said.some((fields) => 'text' in fields && fields.text === `${UTTERANCE} packets`));
      },
    ),
  );

  it(
    'S25 D14 what was being said is sent again from its start, under the new session’s id',
    against(
      async (session) => {
        if (session.index > 0) return talking(session);
        await session.next('hello', Number.POSITIVE_INFINITY);
        session.hello({ sessionId: 'the-old-one' });
        await session.next(isListenStart);
        for (let packets = 0; packets < 3; packets += 1)
          await session.next((heard) => heard.kind === 'binary');
        session.reset();
      },
      async (rig, server) => {
        await rig.linkIs('ready');
        rig.press();
        await rig.turnIs('speaking');
        const [, second] = server.sessions;
        assert.equal(server.sessions.length, 2);
        assert.deepEqual(packetsOf(second).slice(0, UTTERANCE), firstPackets(UTTERANCE));
        const texts = (second?.received ?? []).flatMap((heard) =>
          heard.kind === 'text' ? [heard.text] : [],
        );
        assert.ok(
          texts.every((text) => !text.includes('the-old-one')),
          texts.join('\n'),
        );
        assert.ok(texts.some((text) => text.includes(`"session_id":"${second?.sessionId}"`)));
        assert.equal(lossesOf(rig).length, 1);
        assert.ok(!rig.cues.includes('lost') && !rig.cues.includes('offline'), rig.cues.join(', '));
      },
    ),
  );
});
