// What must be running in each state: derived, and looked at here state by state.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Holds } from '../../src/core/holds.ts';
import { stepLink } from '../../src/core/reconnect.ts';
import { aroundLink } from '../../src/core/state.ts';
import { Box, HELLO, type PolicyChanges } from '../helpers/box.ts';

function ready(changes: PolicyChanges = {}): Box {
  const box = new Box(changes);
  // No jitter in the time to renewal.
  box.dice = 0;
  return box.connect();
}
const connecting = () => new Box().do({ type: 'agent.started' });
const realtime = () => ready({ turn: { mode: 'realtime' } });

type Row = readonly [state: string, box: () => Box, holds: Partial<Holds>];

/** What a fresh connection is watched by. */
const LIVING = [
  { name: 'link heartbeat of 1, 15000 ms since 0', afterMs: 15_000, from: 0 },
  { name: 'link monitor of 1 since 0', afterMs: 5_000, from: 0 },
];

/** After three heartbeats, each answered. */
const watchedAt50s = [
  { name: 'link heartbeat of 1, 15000 ms since 45000', afterMs: 15_000, from: 45_000 },
  { name: 'link monitor of 1 since 50000', afterMs: 5_000, from: 50_000 },
];

const ROWS: readonly Row[] = [
  ['idle', () => ready(), { utterance: null, playback: null, status: 'idle', timers: LIVING }],
  [
    'a press not yet decided',
    () => ready().do({ type: 'button.pressed' }),
    { utterance: { turn: 1, take: 0, sendTo: null, capture: 'open' }, playback: null, status: 'listening' },
  ],
  [
    'listening',
    () => ready().reach('listening'),
    { utterance: { turn: 1, take: 1, sendTo: 1, capture: 'open' }, playback: null, status: 'listening' },
  ],
  [
    'listening turned into push-to-talk: the same utterance, sent again from its start',
    () => ready().reach('listening').do({ type: 'button.pressed' }).pass(500),
    { utterance: { turn: 1, take: 2, sendTo: 1, capture: 'open' } },
  ],
  [
    'the last packets on their way',
    () => ready().reach('finishing'),
    {
      utterance: { turn: 1, take: 1, sendTo: 1, capture: 'ending' },
      status: 'thinking',
      timers: [{ name: 'turn 1 finishing since 1200', afterMs: 15_000, from: 1_200 }],
    },
  ],
  [
    'waiting for a first answer: the utterance is kept in case it must be sent again',
    () => ready().reach('thinking'),
    {
      utterance: { turn: 1, take: 1, sendTo: 1, capture: 'ending' },
      playback: null,
      status: 'thinking',
    },
  ],
  [
    'understood, waiting for sound: the utterance is let go',
    () => ready().reach('expecting'),
    { utterance: null, playback: { turn: 1, ending: false }, status: 'thinking' },
  ],
  [
    'speaking',
    () => ready().reach('speaking'),
    { utterance: null, playback: { turn: 1, ending: false }, status: 'speaking' },
  ],
  [
    'draining',
    () => ready().reach('draining'),
    { utterance: null, playback: { turn: 1, ending: true }, status: 'speaking' },
  ],
  [
    'a press over an answer: a new turn, recording, silence',
    () => ready().reach('speaking').do({ type: 'button.pressed' }),
    { utterance: { turn: 2, take: 0, sendTo: null, capture: 'open' }, playback: null },
  ],
  [
    'a press over thinking: a new turn, recording',
    () => ready().reach('thinking').do({ type: 'button.pressed' }),
    { utterance: { turn: 2, take: 0, sendTo: null, capture: 'open' }, playback: null },
  ],
  [
    'a turn aborted in an answer',
    () => ready().reach('speaking').do({ type: 'stop.asked' }),
    {
      utterance: null,
      playback: null,
      status: 'idle',
      timers: [{ name: 'turn 1 aborting', afterMs: 3_000 }],
    },
  ],
  [
    'a turn aborted before its answer, which may begin all the same',
    () => ready().reach('thinking').click(),
    { utterance: null, playback: null, timers: [{ name: 'turn 2 aborting', afterMs: 15_000 }] },
  ],
  [
    'recording without a connection',
    () => connecting().click(),
    { utterance: { turn: 1, take: 0, sendTo: null, capture: 'open' }, status: 'listening' },
  ],
  [
    'recorded without a connection, and let go of',
    () => connecting().do({ type: 'button.pressed' }).pass(1_000).do({ type: 'button.released' }),
    { utterance: { turn: 1, take: 0, sendTo: null, capture: 'ending' } },
  ],
  [
    'listening, connection lost',
    () => ready().reach('listening').lose(),
    { utterance: { turn: 1, take: 1, sendTo: null, capture: 'open' } },
  ],
  [
    'everything said, connection lost',
    () => ready().reach('finishing').lose(),
    { utterance: { turn: 1, take: 1, sendTo: null, capture: 'ending' } },
  ],
  [
    'everything sent, connection lost before an answer',
    () => ready().reach('thinking').lose(),
    { utterance: { turn: 1, take: 1, sendTo: null, capture: 'ending' } },
  ],
  [
    'speaking, connection lost: what has arrived plays out',
    () => ready().reach('speaking').lose(),
    { utterance: null, playback: { turn: 1, ending: true } },
  ],
  [
    'realtime, speaking: the microphone stays open and connected, for the next utterance',
    () => realtime().click().hear({ type: 'stt', text: 'hm' }).sound('started'),
    { utterance: { turn: 2, take: 1, sendTo: 1, capture: 'open' }, playback: { turn: 2, ending: false } },
  ],
  [
    'speech that the server starts: a turn of its own, no microphone',
    () => ready().hear({ type: 'tts', state: 'start' }),
    { utterance: null, playback: { turn: 1, ending: false }, status: 'thinking' },
  ],
  [
    'activating',
    () => ready().do({ type: 'setup.activating', code: '1' }),
    { status: 'activating', utterance: null },
  ],
  [
    'activated',
    () => ready().do({ type: 'setup.activating', code: '1' }, { type: 'setup.done' }),
    { status: 'idle' },
  ],
  [
    'dialling',
    () => connecting(),
    { sockets: [1], timers: [{ name: 'link connection of attempt 1, 11000 ms', afterMs: 11_000, from: 0 }] },
  ],
  [
    'waiting for the hello',
    () => connecting().do({ type: 'socket.opened', attempt: 1 }),
    { sockets: [1], timers: [{ name: 'link hello of attempt 1, 10000 ms', afterMs: 10_000, from: 0 }] },
  ],
  [
    'a successor dialling',
    () => ready({ link: { assumedRenewMs: 50_000 } }).pass(50_000),
    {
      sockets: [1, 2],
      timers: [
        ...watchedAt50s,
        { name: 'link connection of attempt 2, 11000 ms', afterMs: 11_000, from: 50_000 },
      ],
    },
  ],
  [
    'a successor waiting for its hello',
    () =>
      ready({ link: { assumedRenewMs: 50_000 } })
        .pass(50_000)
        .do({ type: 'socket.opened', attempt: 2 }),
    {
      sockets: [1, 2],
      timers: [...watchedAt50s, { name: 'link hello of attempt 2, 10000 ms', afterMs: 10_000, from: 50_000 }],
    },
  ],
];

describe('holds', () => {
  for (const [state, box, expected] of ROWS)
    it(`in ${state}`, () => {
      const { holds } = box();
      // A turn's timers alone, but in the rows about the connection.
      const turn = expected.timers?.[0]?.name.startsWith('turn ');
      const seen = turn
        ? { ...holds, timers: holds.timers.filter((timer) => !timer.name.startsWith('link ')) }
        : holds;
      for (const [key, value] of Object.entries(expected))
        assert.deepEqual(seen[key as keyof Holds], value, key);
    });
});

describe('what the link remembers', () => {
  it('plain words of a connection that is no longer current are not held against the next', () => {
    const box = connecting().lose().pass(1_000);
    const { attempt } = box.state.link;
    box
      .do(
        { type: 'socket.opened', attempt },
        { type: 'server.muttered', attempt: attempt - 1, text: '认证失败' },
      )
      .lose();
    assert.equal(box.state.link.phase === 'waiting' && box.state.link.loss.class, 'transient');
  });

  it('an attempt that opened and got no hello is one more failure', () => {
    const box = connecting().lose().pass(1_000);
    box.do({ type: 'socket.opened', attempt: box.state.link.attempt }).lose();
    assert.equal(box.state.link.phase === 'waiting' && box.state.link.failures, 2);
  });

  it('renews nothing when a turn began before the successor’s hello', () => {
    const box = ready({ link: { assumedRenewMs: 50_000 } }).pass(50_000);
    box.do({ type: 'socket.opened', attempt: 2 }, { type: 'button.pressed' });
    box.do({ type: 'server.said', attempt: 2, message: HELLO });
    assert.deepEqual(box.holds.sockets, [1]);
  });
});

describe('the hello', () => {
  it('asks for what every server takes', () => {
    const box = connecting();
    const { acts } = stepLink(
      box.state.link,
      { type: 'socket.opened', attempt: 1 },
      aroundLink(box.state, { at: 0, dice: 0 }),
    );
    assert.deepEqual(acts, [
      {
        type: 'say',
        attempt: 1,
        message: {
          type: 'hello',
          version: 1,
          transport: 'websocket',
          features: { mcp: true },
          audio: { format: 'opus', sampleRateHz: 16_000, channels: 1, frameMs: 60 },
        },
      },
    ]);
  });
});
