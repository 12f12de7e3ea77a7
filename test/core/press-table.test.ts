// The table of the product's behaviour, state by gesture, cell by cell: what goes on the wire, what the person hears,
// and where the turn is afterwards.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Box, type PolicyChanges } from '../helpers/box.ts';

type Gesture = 'press-down' | 'click' | 'hold' | 'hold and release' | 'double click';

/** In the order of the design's rows; `after` is the turn's phase, `muted` only where a cell changes it. */
type Cell = {
  readonly gesture: Gesture;
  readonly acts: readonly string[];
  readonly after: string;
  readonly mode?: string;
  readonly recording?: boolean;
  readonly playing?: boolean;
  readonly muted?: boolean;
};

type Row = { readonly state: string; readonly from: () => Box; readonly cells: readonly Cell[] };

const ready = (changes: PolicyChanges = {}) => new Box(changes).connect();
/** Dialling for the first time: there is hope. */
const connecting = () => new Box().do({ type: 'agent.started' });
/** The server has refused and a retry is due in a while. */
const offline = () => connecting().lose();

const followUp = () => {
  const box = ready().reach('draining').sound('drained').pass(1_000);
  box.took();
  return box;
};

const recording = () => {
  const box = connecting().click().pass(1_000);
  box.took();
  return box;
};

function gesture(box: Box, what: Gesture): Box {
  switch (what) {
    case 'press-down':
      return box.do({ type: 'button.pressed' });
    case 'click':
      return box.click();
    case 'hold':
      return box.do({ type: 'button.pressed' }).pass(500);
    case 'hold and release':
      return box.do({ type: 'button.pressed' }).pass(2_000).do({ type: 'button.released' });
    case 'double click':
      return box.click().pass(100).click();
  }
}

const TABLE: readonly Row[] = [
  {
    state: 'idle',
    from: () => ready(),
    cells: [
      { gesture: 'press-down', acts: ['cue listen'], after: 'pressed', recording: true },
      {
        gesture: 'click',
        acts: ['cue listen', 'listen start auto'],
        after: 'listening',
        mode: 'auto',
        recording: true,
      },
      {
        gesture: 'hold',
        acts: ['cue listen', 'listen start manual'],
        after: 'listening',
        mode: 'manual',
        recording: true,
      },
      { gesture: 'hold and release', acts: ['cue listen', 'listen start manual'], after: 'finishing' },
      {
        gesture: 'double click',
        acts: ['cue listen', 'listen start auto', 'abort', 'cue muted'],
        after: 'aborting',
        recording: false,
        muted: true,
      },
    ],
  },
  {
    state: 'listening (auto)',
    from: () => ready().reach('listening'),
    cells: [
      { gesture: 'press-down', acts: [], after: 'listening', recording: true },
      { gesture: 'click', acts: [], after: 'finishing' },
      { gesture: 'hold', acts: ['listen start manual'], after: 'listening', mode: 'manual', recording: true },
      { gesture: 'hold and release', acts: ['listen start manual'], after: 'finishing' },
      {
        gesture: 'double click',
        acts: ['abort', 'cue muted'],
        after: 'aborting',
        recording: false,
        muted: true,
      },
    ],
  },
  {
    state: 'listening (follow-up, nothing said)',
    from: followUp,
    cells: [
      { gesture: 'press-down', acts: [], after: 'listening', recording: true },
      { gesture: 'click', acts: ['abort', 'cue stop'], after: 'aborting', recording: false },
      { gesture: 'hold', acts: ['listen start manual'], after: 'listening', mode: 'manual', recording: true },
      { gesture: 'hold and release', acts: ['listen start manual'], after: 'finishing' },
      {
        gesture: 'double click',
        acts: ['abort', 'cue stop', 'cue muted'],
        after: 'aborting',
        recording: false,
        muted: true,
      },
    ],
  },
  {
    state: 'connecting with a buffered press',
    from: recording,
    cells: [
      { gesture: 'press-down', acts: [], after: 'recording', recording: true },
      { gesture: 'click', acts: ['cue stop'], after: 'idle', recording: false },
      { gesture: 'hold', acts: [], after: 'recording', mode: 'manual', recording: true },
      { gesture: 'hold and release', acts: ['cue offline'], after: 'recording', mode: 'manual' },
      {
        gesture: 'double click',
        acts: ['cue stop', 'cue muted'],
        after: 'idle',
        recording: false,
        muted: true,
      },
    ],
  },
  {
    state: 'thinking',
    from: () => ready().reach('thinking'),
    cells: [
      { gesture: 'press-down', acts: [], after: 'pressed' },
      { gesture: 'click', acts: ['abort', 'cue stop'], after: 'aborting', recording: false },
      {
        gesture: 'hold',
        acts: ['abort', 'listen start manual', 'cue listen'],
        after: 'listening',
        mode: 'manual',
        recording: true,
      },
      {
        gesture: 'hold and release',
        acts: ['abort', 'listen start manual', 'cue listen'],
        after: 'finishing',
      },
      {
        gesture: 'double click',
        acts: ['abort', 'cue stop', 'cue muted'],
        after: 'aborting',
        recording: false,
        muted: true,
      },
    ],
  },
  {
    state: 'speaking',
    from: () => ready().reach('speaking'),
    cells: [
      { gesture: 'press-down', acts: ['cue listen'], after: 'pressed', playing: false },
      {
        gesture: 'click',
        acts: ['cue listen', 'abort', 'listen start auto'],
        after: 'listening',
        mode: 'auto',
        recording: true,
        playing: false,
      },
      {
        gesture: 'hold',
        acts: ['cue listen', 'abort', 'listen start manual'],
        after: 'listening',
        mode: 'manual',
        recording: true,
        playing: false,
      },
      {
        gesture: 'hold and release',
        acts: ['cue listen', 'abort', 'listen start manual'],
        after: 'finishing',
        playing: false,
      },
      {
        gesture: 'double click',
        acts: ['cue listen', 'abort', 'listen start auto', 'abort', 'cue muted'],
        after: 'aborting',
        recording: false,
        playing: false,
        muted: true,
      },
    ],
  },
  {
    state: 'activating',
    from: () => ready().do({ type: 'setup.activating', code: '738133' }),
    cells: [
      { gesture: 'press-down', acts: ['cue code'], after: 'idle', recording: false },
      { gesture: 'click', acts: ['cue code'], after: 'idle', recording: false },
      { gesture: 'hold', acts: ['cue code'], after: 'idle', recording: false },
      { gesture: 'hold and release', acts: ['cue code'], after: 'idle', recording: false },
      { gesture: 'double click', acts: ['cue code'], after: 'idle', recording: false },
    ],
  },
  {
    state: 'offline',
    from: offline,
    cells: [
      { gesture: 'press-down', acts: ['cue offline'], after: 'pressed', recording: true },
      { gesture: 'click', acts: ['cue offline'], after: 'recording', mode: 'auto', recording: true },
      { gesture: 'hold', acts: ['cue offline'], after: 'recording', mode: 'manual', recording: true },
      { gesture: 'hold and release', acts: ['cue offline'], after: 'recording', mode: 'manual' },
      {
        gesture: 'double click',
        acts: ['cue offline', 'cue muted'],
        after: 'idle',
        recording: false,
        muted: true,
      },
    ],
  },
  {
    state: 'unconfigured',
    from: () => new Box({ configured: false }).do({ type: 'agent.started' }),
    cells: [
      { gesture: 'press-down', acts: ['cue error'], after: 'idle', recording: false },
      { gesture: 'click', acts: ['cue error'], after: 'idle', recording: false },
      { gesture: 'hold', acts: ['cue error'], after: 'idle', recording: false },
      { gesture: 'hold and release', acts: ['cue error'], after: 'idle', recording: false },
      {
        gesture: 'double click',
        acts: ['cue error', 'cue muted'],
        after: 'idle',
        recording: false,
        muted: true,
      },
    ],
  },
];

for (const { state, from, cells } of TABLE) {
  describe(`in ${state}`, () => {
    for (const cell of cells) {
      it(`a ${cell.gesture} leads to ${cell.after} with [${cell.acts.join(', ')}]`, () => {
        const box = gesture(from(), cell.gesture);
        assert.deepEqual(box.took(), cell.acts);
        assert.equal(box.state.turn.phase, cell.after);
        if (cell.mode !== undefined) assert.equal('mode' in box.state.turn && box.state.turn.mode, cell.mode);
        if (cell.recording !== undefined)
          assert.equal(box.holds.utterance?.capture === 'open', cell.recording, 'microphone');
        if (cell.playing !== undefined) assert.equal(box.holds.playback !== null, cell.playing, 'speaker');
        assert.equal(box.state.muted, cell.muted ?? false, 'muted');
      });
    }
  });
}

describe('a press without a connection', () => {
  it('tries at once, whatever the backoff', () => {
    const box = offline();
    assert.equal(box.state.link.phase, 'waiting');
    box.do({ type: 'button.pressed' });
    assert.equal(box.state.link.phase, 'dialing');
  });

  it('is kept and sent after the hello: listen start first', () => {
    const box = recording().connect();
    assert.equal(box.state.turn.phase, 'listening');
    assert.deepEqual(box.holds.utterance, { turn: 1, take: 1, sendTo: 1, capture: 'open' });
  });

  it('sends nothing at all when it was cancelled while connecting', () => {
    const box = recording().click();
    box.took();
    const { attempt } = box.state.link;
    box.do({ type: 'socket.opened', attempt });
    assert.deepEqual(box.took(), ['hello']);
    box.connect();
    assert.deepEqual(box.took(), []);
    assert.equal(box.holds.utterance, null);
  });

  it('held and let go before the hello is sent whole: start, speech, stop', () => {
    const box = connecting().do({ type: 'button.pressed' }).pass(1_500).do({ type: 'button.released' });
    box.took();
    const { attempt } = box.state.link;
    box.do({ type: 'socket.opened', attempt });
    box.hear({
      type: 'hello',
      transport: 'websocket',
      audio: { format: 'opus', sampleRateHz: 24_000, channels: 1, frameMs: 60 },
    });
    assert.deepEqual(box.took(), ['hello', 'listen start manual']);
    assert.equal(box.holds.utterance?.capture, 'ending');
    box.flush();
    assert.deepEqual(box.took(), ['listen stop']);
  });

  it('is dropped with a cue when no connection comes in time', () => {
    const box = offline().click();
    box.took();
    box.pass(20_000);
    assert.deepEqual(box.took(), ['cue lost']);
    assert.equal(box.state.turn.phase, 'idle');
  });
});

describe('a muted box', () => {
  const muted = () => {
    const box = ready().click().pass(100).click().pass(5_000);
    box.took();
    return box;
  };

  it('answers a press with a cue and opens no microphone', () => {
    const box = muted().click();
    assert.deepEqual(box.took(), ['cue muted']);
    assert.equal(box.holds.utterance, null);
  });

  it('is unmuted by another double click', () => {
    const box = muted().click().pass(100).click();
    assert.deepEqual(box.took(), ['cue muted', 'cue unmuted']);
    assert.equal(box.state.muted, false);
  });
});
