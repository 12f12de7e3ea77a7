// The one thing to do next as rows: what is changed of a box that is well, and what `status` then ends with.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ASKED_AFTER_RESTART, mendingStep, nextStep } from '../../src/commands/next-step.ts';
import type { Status } from '../../src/status.ts';

const TROUBLE = { reason: 'busy', at: '2026-11-29T10:00:00.000Z', over: false };
const WELL = {
  state: 'idle',
  muted: false,
  link: { phase: 'ready', trouble: null },
  setup: {
    asks: false,
    phase: 'done',
    code: null,
    message: null,
    trouble: null,
    gives: [] as readonly string[],
  },
  audio: { input: { last_trouble: null, constant: false }, output: { last_trouble: null } },
  button: { backend: 'gpiod', state: 'working', last_trouble: null },
  light: { trouble: null },
  problems: [],
  last_run: { clean: true },
};
const lost = (name: string) => ({ link: { phase: 'waiting', trouble: { class: name, reason: 'x' } } });
const input = (changes: object) => ({ audio: { ...WELL.audio, input: { ...WELL.audio.input, ...changes } } });
const asks = { ...WELL.setup, asks: true, phase: 'asking' };

const ROWS: readonly (readonly [changes: object, next: RegExp])[] = [
  [{}, /^nothing: press and speak$/],
  [
    { link: { phase: 'unconfigured', trouble: null } },
    /^set server\.ota_url or server\.websocket_url .* restart/,
  ],
  [{ link: { phase: 'unconfigured', trouble: null }, setup: asks }, /^xiaozhi-agent activate$/],
  [
    { link: { phase: 'unconfigured', trouble: null }, setup: { ...asks, trouble: 'no JSON' } },
    /^xiaozhi-agent activate$/,
  ],
  [{ setup: { ...asks, trouble: 'no JSON' } }, /^nothing: press and speak$/],
  [{ link: { phase: 'unconfigured', trouble: null }, state: 'activating', setup: asks }, /^enter the code/],
  [
    { state: 'activating', setup: { ...asks, phase: 'activating', code: '' } },
    /^see that server\.serial_number and server\.serial_key_file .* restart/,
  ],
  [
    { link: { phase: 'unconfigured', trouble: null }, problems: ['unknown key', ASKED_AFTER_RESTART] },
    /^sudo systemctl restart xiaozhi-agent$/,
  ],
  [lost('auth'), /server\.token_file/],
  [{ ...lost('auth'), setup: { ...asks, gives: ['url'] } }, /server\.token_file/],
  [
    { ...lost('auth'), setup: { ...asks, gives: ['url', 'token'] } },
    /^look for the box in the console .* by itself$/,
  ],
  [{ ...lost('configuration'), setup: { ...asks, gives: ['token'] } }, /server\.websocket_url/],
  [
    { ...lost('configuration'), setup: { ...asks, gives: ['url'] } },
    /^correct the WebSocket address in the console .* doctor server$/,
  ],
  [lost('configuration'), /server\.websocket_url: xiaozhi-agent doctor server/],
  [lost('clock'), /timedatectl/],
  [lost('network'), /^xiaozhi-agent doctor network server; it is tried again/],
  [{ link: { phase: 'stopped', trouble: null } }, /^xiaozhi-agent reconnect$/],
  [{ link: { phase: 'closed', trouble: null } }, /^xiaozhi-agent reconnect$/],
  [input({ last_trouble: TROUBLE }), /^xiaozhi-agent doctor microphone$/],
  [input({ constant: true }), /^xiaozhi-agent doctor microphone$/],
  [input({ last_trouble: { ...TROUBLE, over: true } }), /^nothing: press and speak$/],
  [{ audio: { ...WELL.audio, output: { last_trouble: TROUBLE } } }, /^xiaozhi-agent doctor speaker$/],
  [{ problems: ['unknown key'] }, /^xiaozhi-agent config check$/],
  [
    { button: { backend: 'none', state: 'waiting', last_trouble: TROUBLE } },
    /^xiaozhi-agent doctor button \(until then: xiaozhi-agent press\)$/,
  ],
  [{ button: { backend: 'none', state: 'closed', last_trouble: null } }, /^nothing: press and speak$/],
  [{ button: { backend: 'gpiod', state: 'working', last_trouble: TROUBLE } }, /^nothing: press and speak$/],
  [{ light: { trouble: 'no such LED' } }, /^xiaozhi-agent doctor light$/],
  [{ muted: true }, /^xiaozhi-agent mute off/],
  [{ last_run: { clean: false } }, /bugreport$/],
  [{ last_run: null }, /^nothing: press and speak$/],
  // What comes earlier keeps what comes later from mattering.
  [{ ...lost('auth'), ...input({ constant: true }), muted: true }, /token_file/],
  [{ ...input({ constant: true }), problems: ['unknown key'] }, /doctor microphone$/],
];

describe('the next step', () => {
  const mends = (changes: object) => mendingStep({ ...WELL, ...changes } as unknown as Status) !== null;
  it('mends something where a part does not work, and not where the owner is all that is waited for', () => {
    const output = { audio: { ...WELL.audio, output: { last_trouble: TROUBLE } } };
    const button = { button: { backend: 'none', state: 'waiting', last_trouble: TROUBLE } };
    const broken = [
      lost('auth'),
      input({ constant: true }),
      input({ last_trouble: TROUBLE }),
      output,
      button,
    ];
    for (const changes of [...broken, { light: { trouble: 'no such LED' } }, { problems: ['unknown key'] }])
      assert.ok(mends(changes), JSON.stringify(changes));
    for (const changes of [{}, { muted: true }, { last_run: { clean: false } }])
      assert.ok(!mends(changes), JSON.stringify(changes));
  });

  for (const [changes, next] of ROWS)
    it(`is ${next.source} for ${JSON.stringify(changes)}`, () => {
      assert.match(nextStep({ ...WELL, ...changes } as unknown as Status), next);
    });
});
