// A turn's transitions by what the server, the audio path, the connection and the clock do; a row a sentence.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ServerMessage } from '../../src/protocol/messages.ts';
import { Box, type PolicyChanges, RESET } from '../helpers/box.ts';

const ready = (changes: PolicyChanges = {}) => new Box(changes).connect();
const STT: ServerMessage = { type: 'stt', text: 'what time is it' };
const TTS = (state: 'start' | 'stop'): ServerMessage => ({ type: 'tts', state });

const HUNG_UP = { ...RESET, class: 'normal', kind: 'normal close', reason: 'closed with 1000' } as const;

/** Let go, and all of it sent. */
const said = (box: Box) => box.do({ type: 'button.released' }).flush();

type Row = readonly [sentence: string, box: () => Box, phase: string, acts: readonly string[]];

function check(rows: readonly Row[]): void {
  for (const [sentence, play, phase, acts] of rows)
    it(sentence, () => {
      const box = play();
      assert.equal(box.state.turn.phase, phase);
      assert.deepEqual(box.took(), acts);
    });
}

/** A press in mode hold, and let go. */
const manual = () => {
  const box = ready().do({ type: 'button.pressed' }).pass(500).do({ type: 'button.released' }).flush();
  box.took();
  return box;
};

const realtime = () => {
  const box = ready({ turn: { mode: 'realtime' } }).click();
  box.took();
  return box;
};

describe('a whole turn', () => {
  it('in mode auto goes from the press to follow-up listening', () => {
    const box = ready().click();
    const phases = [box.state.turn.phase];
    const see = () => phases.push(box.state.turn.phase);
    box.hear(STT);
    see();
    box.hear(TTS('start'));
    see();
    box.sound('started');
    see();
    box.hear(TTS('stop'));
    see();
    box.sound('drained');
    see();
    assert.deepEqual(phases, ['listening', 'thinking', 'thinking', 'speaking', 'draining', 'listening']);
    assert.deepEqual(box.took(), ['cue listen', 'listen start auto', 'listen start auto']);
  });

  check([
    [
      'by push-to-talk ends in idle',
      () => manual().hear(STT, TTS('start')).sound('started').hear(TTS('stop')).sound('drained'),
      'idle',
      [],
    ],
    [
      'without follow-up ends in idle',
      () =>
        ready({ turn: { followUp: false } })
          .reach('draining')
          .sound('drained'),
      'idle',
      [],
    ],
    [
      'in realtime listens on without another listen start',
      () => realtime().hear(STT, TTS('start')).sound('started').hear(TTS('stop')).sound('drained'),
      'listening',
      [],
    ],
  ]);

  it('in realtime keeps the microphone open while the answer plays', () => {
    const box = realtime().hear(STT, TTS('start')).sound('started');
    assert.equal(box.state.turn.phase, 'speaking');
    assert.equal(box.holds.utterance?.capture, 'open');
    assert.equal(box.holds.utterance?.sendTo, 1);
  });
});

describe('listening', () => {
  check([
    [
      'in follow-up is not made an utterance by an older turn’s voice',
      () => ready().reach('draining').sound('drained').do({ type: 'uplink.voiced', turn: 1 }).pass(8_000),
      'aborting',
      ['listen start auto', 'abort'],
    ],
    [
      'does not end by a failing speaker',
      () => ready().reach('listening').do({ type: 'speaker.failed', turn: 1, reason: 'x' }),
      'listening',
      [],
    ],
    ['ends when the server has understood', () => ready().reach('listening').hear(STT), 'thinking', []],
    [
      'ends when the server begins to answer',
      () => ready().reach('listening').hear(TTS('start')),
      'thinking',
      [],
    ],
    [
      'ends when speech comes without any announcement',
      () => ready().reach('listening').do({ type: 'speech.arrived', attempt: 1 }),
      'thinking',
      [],
    ],
    ['is not ended by a late tts stop', () => ready().reach('listening').hear(TTS('stop')), 'listening', []],
    [
      'ends after 60 s as if the speaker had clicked',
      () => ready().reach('listening').pass(60_000),
      'finishing',
      [],
    ],
    [
      'in follow-up ends after 8 s in which nothing was said',
      () => ready().reach('draining').sound('drained').pass(8_000),
      'aborting',
      ['listen start auto', 'abort'],
    ],
    [
      'in follow-up goes on once a voice was heard',
      () =>
        ready()
          .reach('draining')
          .sound('drained')
          .pass(7_000)
          .do({ type: 'uplink.voiced', turn: 2 })
          .pass(8_000),
      'listening',
      ['listen start auto'],
    ],
    [
      'ends with a cue when the microphone fails for good',
      () =>
        ready()
          .reach('listening')
          .do({ type: 'microphone.failed', turn: 1, reason: 'no such device', said: false }),
      'aborting',
      ['abort', 'cue error'],
    ],
    [
      'is not ended by an older turn’s microphone',
      () => ready().reach('listening').do({ type: 'microphone.failed', turn: 0, reason: 'x', said: false }),
      'listening',
      [],
    ],
    [
      'can be stopped by command',
      () => ready().reach('listening').do({ type: 'stop.asked' }),
      'aborting',
      ['abort', 'cue stop'],
    ],
    ['in realtime ends after 60 s of nothing', () => realtime().pass(60_000), 'aborting', ['abort']],
    [
      'in realtime is ended by a click',
      () => realtime().pass(1_000).click(),
      'aborting',
      ['abort', 'cue stop'],
    ],
  ]);

  it('by hold ends with listen stop only after everything is sent', () => {
    const box = ready().do({ type: 'button.pressed' }).pass(500).do({ type: 'button.released' });
    box.took();
    assert.equal(box.holds.utterance?.capture, 'ending');
    box.do({ type: 'uplink.flushed', turn: 1, take: 7 });
    assert.deepEqual(box.took(), [], 'another take’s flush is not this one’s');
    box.flush();
    assert.deepEqual(box.took(), ['listen stop']);
    assert.equal(box.state.turn.phase, 'thinking');
  });
});

describe('barge-in', () => {
  const over = (phase: 'thinking' | 'speaking' | 'draining', changes: PolicyChanges = {}) => {
    const box = ready(changes).reach(phase);
    if (phase === 'thinking') box.do({ type: 'button.pressed' }).pass(500);
    else box.click();
    box.took();
    return box;
  };
  const PACKET = { type: 'speech.arrived', attempt: 1 } as const;
  check([
    ['ignores the end of the interrupted answer', () => over('speaking').hear(TTS('stop')), 'listening', []],
    ['ignores sound that was on its way', () => over('speaking').do(PACKET), 'listening', []],
    [
      'ignores sound that was on its way for long',
      () => over('speaking').pass(5_000).do(PACKET),
      'listening',
      [],
    ],
    [
      'takes new words at once for an answer, however soon they come',
      () => over('speaking').pass(300).hear(STT),
      'thinking',
      [],
    ],
    ['takes a new tts start for an answer', () => over('speaking').hear(TTS('start')), 'thinking', []],
    [
      'over an answer not begun ignores its words',
      () => over('thinking').hear(STT, TTS('start')),
      'listening',
      [],
    ],
    [
      'over an answer not begun hears the next one after its stop',
      () => said(over('thinking').hear(STT, TTS('stop'))).hear(STT),
      'thinking',
      ['listen stop'],
    ],
    [
      'over an answer not begun hears the next one after a reply to the abort',
      () => said(over('thinking').hear({ type: 'abort', state: 'success' })).hear(STT),
      'thinking',
      ['listen stop'],
    ],
    [
      'over an answer not begun hears the next one after a round trip, of a server that says nothing',
      () => said(over('thinking').pass(1_500)).hear(STT),
      'thinking',
      ['listen stop'],
    ],
    [
      'over an answer not begun still ignores old sound after a round trip',
      () => over('thinking').pass(1_500).do(PACKET),
      'listening',
      [],
    ],
    [
      'over the rest of an answer takes the next sound for new',
      () => over('draining').do(PACKET),
      'thinking',
      [],
    ],
  ]);

  for (const [what, confirm, awaiting] of [
    ['nothing has confirmed the abort', (box: Box) => box, 'answer'],
    ['a tts stop has', (box: Box) => box.hear(TTS('stop')), 'audio'],
    ['an abort has', (box: Box) => box.hear({ type: 'abort', state: 'success' }), 'audio'],
    ['a round trip has gone by', (box: Box) => box.pass(1_500), 'audio'],
  ] as const)
    it(`over an answer not begun takes an stt for the ${awaiting === 'audio' ? 'new' : 'old'} words when ${what}`, () => {
      const { turn } = said(confirm(over('thinking'))).hear(STT).state;
      assert.equal(turn.phase === 'thinking' && turn.awaiting, awaiting);
    });

  it('by push-to-talk ignores the old answer also after everything is said', () => {
    const box = ready()
      .reach('speaking')
      .do({ type: 'button.pressed' })
      .pass(500)
      .do({ type: 'button.released' });
    assert.equal(box.do(PACKET).state.turn.phase, 'finishing');
    box.flush();
    assert.equal(box.state.turn.phase, 'thinking');
    assert.equal(box.do(PACKET).holds.playback, null, 'nothing old is played');
    box.hear(TTS('stop')).lose();
    assert.equal(box.state.turn.phase, 'recording', 'the utterance is still kept');
  });

  it('ten times in a row works ten times', () => {
    const box = ready().reach('speaking');
    for (let time = 0; time < 10; time += 1) {
      box.click();
      assert.deepEqual(box.took(), ['cue listen', 'abort', 'listen start auto']);
      assert.equal(box.holds.playback, null);
      box.pass(1_000).hear(TTS('stop'), STT, TTS('start')).sound('started').pass(1_000);
      assert.equal(box.state.turn.phase, 'speaking');
    }
  });
});

describe('thinking', () => {
  check([
    [
      'gives up after 15 s without a first answer',
      () => ready().pass(10_000).reach('thinking').pass(15_000),
      'aborting',
      ['abort', 'cue no-answer'],
    ],
    [
      'gives up after 60 s without sound',
      () => ready().reach('expecting').pass(60_000),
      'aborting',
      ['abort', 'cue no-answer'],
    ],
    [
      'ends when the answer had no sound at all',
      () => manual().hear(STT, TTS('start'), TTS('stop')),
      'idle',
      [],
    ],
    [
      'is not ended by a late tts stop before its own start',
      () => ready().reach('thinking').hear(TTS('stop')),
      'thinking',
      [],
    ],
    [
      'becomes speaking with the first packet, announced or not',
      () => ready().reach('thinking').sound('started'),
      'speaking',
      [],
    ],
    [
      'ends with a cue when the speaker fails for good',
      () => ready().reach('expecting').do({ type: 'speaker.failed', turn: 1, reason: 'busy' }),
      'aborting',
      ['abort', 'cue error'],
    ],
  ]);
});

describe('speaking', () => {
  check([
    [
      'ends with a cue when the speaker fails for good, and not for an older turn’s',
      () =>
        ready()
          .reach('speaking')
          .do(
            { type: 'speaker.failed', turn: 0, reason: 'x' },
            { type: 'speaker.failed', turn: 1, reason: 'busy' },
          ),
      'aborting',
      ['abort', 'cue error'],
    ],
    [
      'in auto is not interrupted by text that is only for display',
      () => ready().reach('speaking').hear(STT),
      'speaking',
      [],
    ],
    [
      'does not listen again when it was muted meanwhile',
      () => {
        const box = ready().reach('draining');
        box.state = { ...box.state, muted: true };
        return box.sound('drained');
      },
      'idle',
      [],
    ],
    ['drains at tts stop', () => ready().reach('speaking').hear(TTS('stop')), 'draining', []],
    ['goes on over a second tts start', () => ready().reach('speaking').hear(TTS('start')), 'speaking', []],
    [
      'survives pauses below 30 s',
      () => ready().reach('speaking').pass(20_000).sound('heard').pass(29_000),
      'speaking',
      [],
    ],
    ['ends after 30 s without a packet', () => ready().reach('speaking').pass(30_000), 'draining', []],
    [
      'is not ended by an older turn’s drain',
      () => ready().reach('draining').do({ type: 'downlink.drained', turn: 0 }),
      'draining',
      [],
    ],
    [
      'draining is taken up again by another answer',
      () => ready().reach('draining').hear(TTS('start')),
      'speaking',
      [],
    ],
    [
      'draining ends even if the speaker never reports',
      () =>
        ready({ turn: { followUp: false } })
          .reach('draining')
          .pass(15_000),
      'idle',
      [],
    ],
  ]);

  it('in realtime is interrupted by new words, and its sound dropped', () => {
    const box = realtime().hear(STT, TTS('start')).sound('started');
    const playing = box.holds.playback?.turn;
    box.hear(STT);
    assert.equal(box.state.turn.phase, 'thinking');
    assert.notEqual(box.holds.playback?.turn, playing);
  });
});

describe('speech that the server starts', () => {
  const announced = () => ready().hear(TTS('start')).sound('started');
  check([
    ['is played', announced, 'speaking', []],
    ['ends in idle, not in listening', () => announced().hear(TTS('stop')).sound('drained'), 'idle', []],
    [
      'is not begun by sound alone: that is what is left of something aborted',
      () => ready().do({ type: 'speech.arrived', attempt: 1 }),
      'idle',
      [],
    ],
    [
      'is not played when that is configured',
      () => ready({ turn: { unsolicited: 'mute' } }).hear(TTS('start')),
      'idle',
      [],
    ],
    [
      'after an abort is not played',
      () => ready().reach('thinking').click().hear(STT, TTS('start')),
      'aborting',
      ['abort', 'cue stop'],
    ],
    [
      'is played again once the abort is answered',
      () => ready().reach('thinking').click().hear(TTS('stop'), TTS('start')),
      'thinking',
      ['abort', 'cue stop'],
    ],
    [
      'from a connection that is no longer current is ignored',
      () => ready().do({ type: 'server.said', attempt: 0, message: TTS('start') }),
      'idle',
      [],
    ],
  ]);
});

describe('a lost connection', () => {
  check([
    ['while listening keeps recording', () => ready().reach('listening').lose(), 'recording', []],
    [
      'while listening is followed by the whole utterance on the new one',
      () => ready().reach('listening').lose().reconnect(),
      'listening',
      [],
    ],
    [
      'in follow-up in which nothing was said ends the turn',
      () => ready().reach('draining').sound('drained').lose(),
      'idle',
      ['listen start auto'],
    ],
    [
      'before the first answer sends the utterance again',
      () => ready().reach('thinking').lose().reconnect(),
      'finishing',
      [],
    ],
    [
      'after the server understood ends the turn with a cue',
      () => ready().reach('expecting').lose(),
      'idle',
      ['cue lost'],
    ],
    [
      'that the server has ended in the ordinary way after it understood is the end of the talk',
      () => ready().reach('expecting').lose(HUNG_UP),
      'idle',
      ['cue stop'],
    ],
    [
      'that the server has ended in the ordinary way before it understood is followed by the utterance again',
      () => ready().reach('thinking').lose(HUNG_UP).reconnect(),
      'finishing',
      [],
    ],
    [
      'while speaking plays out what has arrived, then idle',
      () => ready().reach('speaking').lose().sound('drained'),
      'idle',
      [],
    ],
    [
      'while speaking is followed by no listening though there is another before it is played out',
      () => ready().reach('speaking').lose().reconnect().sound('drained'),
      'idle',
      [],
    ],
    [
      'for longer than the offline hold drops the utterance with a cue',
      () => ready().reach('listening').lose().pass(20_000),
      'idle',
      ['cue offline', 'cue lost'],
    ],
  ]);

  it('is survived twice by one utterance, which goes out from its start each time', () => {
    const box = ready().reach('listening');
    for (const take of [2, 3]) {
      box.lose().reconnect();
      assert.equal(box.state.turn.phase, 'listening');
      assert.equal(box.holds.utterance?.take, take);
      assert.equal(box.holds.utterance?.turn, 1);
    }
  });
});

describe('a microphone that fails in mid-sentence', () => {
  const failed = (said: boolean) =>
    ({ type: 'microphone.failed', turn: 1, reason: 'unplugged', said }) as const;
  check([
    ['sends what was said', () => ready().reach('listening').do(failed(true)), 'finishing', []],
    [
      'ends the turn when nothing was said',
      () => ready().reach('listening').do(failed(false)),
      'aborting',
      ['abort', 'cue error'],
    ],
    [
      'on its last packet changes nothing',
      () => ready().reach('finishing').do(failed(true)),
      'finishing',
      [],
    ],
    [
      'without a connection keeps what was said',
      () => ready().reach('listening').lose().do(failed(true)),
      'recording',
      [],
    ],
    [
      'before anything was sent aborts nothing',
      () => ready().do({ type: 'button.pressed' }, failed(false)),
      'idle',
      ['cue listen', 'cue error'],
    ],
  ]);
});

describe('what an interrupted answer left', () => {
  it('is given its round trip anew by each interruption', () => {
    const box = ready({ gesture: { mode: 'hold' } }).connect();
    box.do({ type: 'button.pressed' }).pass(100).do({ type: 'button.released' }).flush();
    box.do({ type: 'button.pressed' }).pass(100).do({ type: 'button.released' }).flush().pass(1_200);
    box.do({ type: 'button.pressed' }).pass(300).hear(STT);
    assert.equal(box.state.turn.phase, 'listening', 'the old words are not the new answer');
  });

  it('has come to its end when its tts stop arrives while the button is down again', () => {
    const box = ready()
      .reach('thinking')
      .click()
      .pass(1_000)
      .do({ type: 'button.pressed' })
      .hear(TTS('stop'))
      .pass(500);
    const { turn } = said(box).hear(STT).state;
    assert.equal(turn.phase === 'thinking' && turn.awaiting, 'audio');
  });

  it('is gone with its connection', () => {
    const box = ready().reach('speaking').do({ type: 'button.pressed' }).lose();
    assert.equal(box.state.turn.phase === 'pressed' && box.state.turn.over, 'idle');
  });
});

describe('one utterance', () => {
  it('that breaks the server again and again is given up', () => {
    const box = ready().reach('listening');
    let losses = 0;
    while (box.state.turn.phase !== 'idle' && losses < 100) {
      box.lose().reconnect();
      losses += 1;
    }
    assert.equal(losses, 6, 'it was begun six times');
  });
});

describe('realtime', () => {
  it('is over for an utterance that ended early: no microphone after listen stop', () => {
    const box = realtime()
      .do({ type: 'microphone.failed', turn: 1, reason: 'unplugged', said: true })
      .flush();
    assert.deepEqual(box.took(), ['listen stop']);
    assert.equal(box.holds.utterance?.capture, 'ending');
    box.hear(STT, TTS('start')).sound('started').hear(TTS('stop')).sound('drained');
    assert.equal(box.state.turn.phase, 'idle');
  });

  it('begins another utterance with each understood one, also before the answer sounds', () => {
    const box = realtime().hear(STT);
    const first = box.holds.utterance?.turn;
    box.pass(3_000).hear(STT);
    assert.notEqual(box.holds.utterance?.turn, first);
  });

  it('never sends again what was understood', () => {
    const box = realtime();
    const asked = box.holds.utterance?.turn;
    box.hear(STT, TTS('start')).sound('started').hear(TTS('stop')).sound('drained');
    assert.equal(box.state.turn.phase, 'listening');
    assert.notEqual(box.holds.utterance?.turn, asked, 'another utterance has begun');
  });
});

describe('stop over a press', () => {
  it('aborts the answer that the press had interrupted', () => {
    const box = ready().reach('speaking').do({ type: 'button.pressed' }, { type: 'stop.asked' });
    assert.deepEqual(box.took(), ['cue listen', 'abort', 'cue stop']);
    assert.equal(box.state.turn.phase === 'aborting' && box.state.turn.old, 'old-speech');
    const unbegun = ready().reach('thinking').do({ type: 'button.pressed' }, { type: 'stop.asked' });
    assert.equal(unbegun.state.turn.phase === 'aborting' && unbegun.state.turn.old, 'old-words');
  });
});

describe('a click while speech waits for a connection', () => {
  it('means that everything is said when the loss came in mid-sentence; a second one cancels', () => {
    const box = ready().reach('listening').lose().pass(500).click();
    assert.equal(box.state.turn.phase === 'recording' && box.state.turn.capture, 'ending');
    box.pass(1_000).click();
    assert.equal(box.state.turn.phase, 'idle');
  });
});

describe('the end', () => {
  it('of the process is final: neither a held button nor a press brings anything back', () => {
    const box = ready().do({ type: 'button.pressed' }, { type: 'shutdown.asked' }).pass(1_000);
    box.do({ type: 'button.released' }, { type: 'press.asked' }, { type: 'socket.opened', attempt: 2 });
    const { sockets, utterance, playback, timers } = box.holds;
    assert.deepEqual(
      { sockets, utterance, playback, timers },
      { sockets: [], utterance: null, playback: null, timers: [] },
    );
  });

  it('of a turn comes with an activation, and letting go is not lost on it', () => {
    const box = ready()
      .do({ type: 'button.pressed' })
      .pass(1_000)
      .do({ type: 'setup.activating', code: '1' });
    assert.equal(box.holds.utterance, null);
    box.do({ type: 'button.released' });
    assert.equal(box.state.gesture.phase, 'up');
  });
});

describe('what the finger decides after the phase has changed under it', () => {
  it('a click begun while listening does not cancel the answer that came in between', () => {
    const box = ready()
      .reach('listening')
      .do({ type: 'button.pressed' })
      .hear(STT)
      .do({ type: 'button.released' });
    assert.equal(box.state.turn.phase, 'thinking');
    assert.deepEqual(box.took(), []);
  });

  it('a hold begun while listening takes the word from the answer', () => {
    const box = ready()
      .reach('listening')
      .do({ type: 'button.pressed' })
      .hear(STT, TTS('start'))
      .sound('started')
      .pass(500);
    assert.equal(box.state.turn.phase, 'listening');
    assert.deepEqual(box.took(), ['cue listen', 'abort', 'listen start manual']);
  });
});
