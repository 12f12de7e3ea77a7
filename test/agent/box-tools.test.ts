// What the tools of every box tell and do: asked of a whole agent, without a toolbox around them.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { boxTools, type Radio } from '../../src/box-tools.ts';
import type { Clock } from '../../src/ports.ts';
import type { Values } from '../../src/protocol/tools.ts';
import { type AgentRig, agentRig } from '../helpers/agent-rig.ts';
import { realClock, until } from '../helpers/card.ts';
import { goodConversation } from '../helpers/faults.ts';
import { DOWN, HOME, WIFI } from '../helpers/networks.ts';
import { type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';

describe('the tools of every box', () => {
  let server: ScriptedServer;
  let rig: AgentRig;
  let laterMs: number;
  /** The agent's own, some time later. */
  const clock: Clock = { ...realClock, now: () => realClock.now() + laterMs };
  beforeEach(async () => {
    laterMs = 0;
    radios = {};
    chipC = null;
    server = await startScriptedServer(goodConversation());
    rig = agentRig(server.url);
    await rig.linkIs('ready');
  });
  let radios: Record<string, Radio>;
  let chipC: number | null;
  afterEach(async () => {
    rig.stop();
    await server.stop();
  });
  const tools = () =>
    boxTools({
      agent: () => rig.agent,
      clock,
      systemInfo: () => 'who I am',
      board: { temperatureC: () => chipC, radioOf: async (name) => radios[name] ?? null },
      reboot: async () => 'so be it',
    });
  const run = async (name: string, values: Values = {}) => {
    const found = tools().find(({ shape }) => shape.name === name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found.run(values);
  };

  it('set what the button does', async () => {
    for (const [mode, gesture] of [
      ['press_to_talk', 'hold'],
      ['click_to_talk', 'click'],
      ['both', 'hybrid'],
      ['press_to_talk', 'hold'],
    ] as const) {
      assert.equal(await run('self.set_press_to_talk', { mode }), 'true');
      assert.equal(rig.agent.state.policy.gesture.mode, gesture);
    }
  });

  it('cannot unmute against the switch of the box, and say so', async () => {
    rig.agent.dispatch({ type: 'mute.switched', muted: true });
    assert.equal(await run('self.audio_microphone.set_mute', { muted: true }), 'true');
    await assert.rejects(run('self.audio_microphone.set_mute', { muted: false }), /mute switch .* on mute/);
    assert.equal(rig.agent.state.muted, true);
  });

  it('tell by which kind of network it is there, or that it is not known', async () => {
    const network = async () => JSON.parse(await run('self.get_device_status')).network;
    assert.deepEqual(await network(), {});
    rig.agent.dispatch({ type: 'network.seen', snapshot: HOME });
    assert.deepEqual(await network(), { type: 'ethernet' });
    rig.agent.dispatch({ type: 'network.seen', snapshot: WIFI });
    assert.deepEqual(await network(), { type: 'ethernet' }, 'whatever its name is');
    radios = { wlan0: { ssid: null, signalDbm: null } };
    assert.deepEqual(await network(), { type: 'wifi' });
    for (const [signalDbm, signal] of [
      [-30, 'strong'],
      [-60, 'strong'],
      [-61, 'medium'],
      [-70, 'medium'],
      [-71, 'weak'],
    ] as const) {
      radios = { wlan0: { ssid: 'My Wifi', signalDbm }, eth0: { ssid: 'another', signalDbm: -1 } };
      assert.deepEqual(await network(), { type: 'wifi', ssid: 'My Wifi', signal });
    }
    rig.agent.dispatch({ type: 'network.seen', snapshot: DOWN });
    assert.deepEqual(await network(), {});
  });

  it('tell how warm the chip is where it says so', async () => {
    const chip = async () => JSON.parse(await run('self.get_device_status')).chip;
    assert.equal(await chip(), undefined);
    chipC = 0;
    assert.deepEqual(await chip(), { temperature: 0 });
  });

  it('tell how the box stands', async () => {
    rig.agent.dispatch({ type: 'volume.asked', to: 35 });
    const { network: _, ...status } = JSON.parse(await run('self.get_device_status'));
    assert.deepEqual(status, {
      audio_speaker: { volume: 35 },
      audio_microphone: { muted: false },
      screen: {},
      state: 'idle',
    });
    assert.equal(await run('self.get_system_info'), 'who I am');
    assert.equal(await run('self.reboot'), 'so be it');
  });

  it('tell how the connection fares: since when, what was lost and why, and what was learned', async () => {
    const asked = async () => JSON.parse(await run('self.network.get_status'));
    laterMs = 65_000;
    const first = await asked();
    assert.ok(first.up_for_s >= 65 && first.up_for_s < 85, `${first.up_for_s}`);
    assert.deepEqual(
      [first.connected, first.reconnects, first.last_loss, first.sessions],
      [true, 0, null, 0],
    );
    server.sessions[0]?.terminate();
    await until(() => server.sessions.length === 2, 'another connection');
    await rig.linkIs('ready');
    const second = await asked();
    assert.deepEqual([second.connected, second.reconnects, second.sessions], [true, 1, 1]);
    assert.equal(second.last_loss.class, 'transient');
    assert.match(second.last_loss.reason, /1006/);
    rig.agent.dispatch({ type: 'disconnect.asked', why: 'a test' });
    const { connected, up_for_s } = await asked();
    assert.deepEqual([connected, up_for_s], [false, 0]);
  });
});
