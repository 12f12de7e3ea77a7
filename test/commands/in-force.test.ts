// What a reload applies, in its order, with an agent and a memory that only note what they are told.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Agent } from '../../src/agent.ts';
import { InForce } from '../../src/commands/in-force.ts';
import { knownServerIn } from '../../src/commands/known-server.ts';
import { policyOf } from '../../src/commands/policy.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Event } from '../../src/core/events.ts';
import type { Memory } from '../../src/history/memory.ts';
import { Secrets } from '../../src/log/secrets.ts';
import type { AgentLog } from '../../src/log.ts';
import { keptLog } from '../helpers/card.ts';
import { KeptStore } from '../helpers/kept-store.ts';

const IDENTITY = { deviceId: '02:00:00:00:00:01', clientId: '7b0a1c7e-5f0e-4c53-9a59-0d4f3c1f6a11' };
const [OLD, NEXT] = ['ws://10.0.0.1/', 'ws://10.0.0.2/'];

const load = (overrides: Record<string, string>) => loadConfig({ environment: {}, overrides }).config;

function rig() {
  const notes: string[] = [];
  const events: Event[] = [];
  const config = load({ 'server.websocket_url': OLD });
  const policy = { ...policyOf(config), setup: { asks: true } };
  const log = {
    ...keptLog(),
    of: () => keptLog(),
    setLevel: (level: string) => notes.push(`log ${level}`),
  };
  const known = knownServerIn(config, new KeptStore(), log);
  const memory = { leave: () => notes.push(`left ${known.url}`) };
  const agent = { state: { policy }, dispatch: (event: Event) => events.push(event) };
  const inForce = new InForce(config, {
    identity: IDENTITY,
    known,
    version: '0',
    secrets: new Secrets(),
    log: log as unknown as AgentLog,
    memory: memory as unknown as Memory,
    agent: () => agent as unknown as Agent,
  });
  return { inForce, notes, events };
}

describe('what is in force after a reload', () => {
  it('is another server, of which nothing is known yet and to which a connection is made beside the old one', () => {
    const { inForce, notes, events } = rig();
    inForce.apply(load({ 'server.websocket_url': NEXT, 'log.level': 'debug' }));
    assert.equal(inForce.server.url, NEXT);
    assert.deepEqual(notes, [`left ${OLD}`, 'log debug'], 'what was learned is put to the old name');
    const [changed, next] = events;
    assert.equal(changed?.type, 'policy.changed');
    assert.ok('lessons' in (changed ?? {}));
    assert.equal(next?.type, 'reconnect.asked');
  });

  it('is the same server, whose lessons stay and whose connection nobody touches', () => {
    const { inForce, events } = rig();
    inForce.apply(load({ 'server.websocket_url': OLD, 'button.mode': 'hold' }));
    const [changed, ...more] = events;
    assert.deepEqual([changed?.type, 'lessons' in (changed ?? {}), more], ['policy.changed', false, []]);
    assert.ok(changed?.type === 'policy.changed' && changed.policy.gesture.mode === 'hold');
  });

  it('is what the server that was asked has given, but for what is written down', () => {
    const { inForce } = rig();
    assert.deepEqual(inForce.gives, ['token']);
    inForce.apply(load({ 'server.token_file': '/run/token' }));
    assert.deepEqual(inForce.gives, ['url']);
    inForce.apply(load({ 'server.websocket_url': NEXT, 'server.token_file': '/run/token' }));
    assert.deepEqual(inForce.gives, []);
  });

  it('is whom the box has asked from its start on, whatever the file says now', () => {
    const { inForce, events } = rig();
    inForce.apply(load({ 'server.websocket_url': OLD }));
    const [changed] = events;
    assert.ok(changed?.type === 'policy.changed' && changed.policy.setup.asks);
  });
});
