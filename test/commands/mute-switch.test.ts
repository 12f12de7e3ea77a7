// What the control socket answers about muting where the box has a switch for it: a switch that stands on mute wins, and
// whoever asked otherwise is told.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { controlAnswer } from '../../src/commands/control.ts';
import { createLog } from '../../src/log.ts';
import { Panel } from '../../src/panel.ts';
import { type AgentRig, agentRig } from '../helpers/agent-rig.ts';
import { keptLog } from '../helpers/card.ts';
import { handClock } from '../helpers/hand-clock.ts';

const nobody = () => assert.fail('nothing is sent');

describe('mute by command', () => {
  let rig: AgentRig;
  beforeEach(() => {
    // Without a server: it makes no difference here.
    rig = agentRig('ws://127.0.0.1:1', { configured: false }, 1_000, { clock: handClock() });
  });
  afterEach(() => rig.stop());

  function mute(muted: boolean | 'toggle'): unknown {
    const panel = new Panel({ lines: [], clock: handClock(), log: keptLog(), dispatch: nobody });
    const client = { send: nobody, follow: () => assert.fail('nothing is followed') };
    const answers = {
      status: () => assert.fail('no status'),
      why: () => assert.fail('no why'),
      panel,
      log: createLog({ level: 'error', format: 'text', colour: false }),
      clock: handClock(),
    };
    return controlAnswer({ command: 'mute', muted }, client, rig.agent, answers);
  }
  const turned = (muted: boolean) => rig.agent.dispatch({ type: 'mute.switched', muted });

  it('that is undone against the switch fails, and says why', () => {
    turned(true);
    const refusal = { ok: false, error: 'the mute switch of the box stands on mute' };
    for (const wish of [false, 'toggle'] as const) assert.deepEqual(mute(wish), refusal, String(wish));
    assert.equal(rig.agent.state.muted, true);
    assert.deepEqual(mute(true), { ok: true, muted: true }, 'as it stands');
  });

  it('is done and undone while the switch does not stand on mute', () => {
    assert.deepEqual(mute(true), { ok: true, muted: true });
    assert.deepEqual(mute(false), { ok: true, muted: false });
    turned(true);
    turned(false);
    assert.deepEqual(mute('toggle'), { ok: true, muted: true });
  });
});
