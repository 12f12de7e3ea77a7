// One turn of the whole agent with a scripted server, and what its loudspeaker gave: for tests of faults and quirks.
import assert from 'node:assert/strict';
import { type AgentRig, agentRig, SPEAKER_HZ } from '../helpers/agent-rig.ts';
import type { PolicyChanges } from '../helpers/box.ts';
import type { FaultOptions } from '../helpers/faults.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import { type Script, type ScriptedServer, startScriptedServer } from '../helpers/scripted-server.ts';
import { measure } from '../helpers/tone.ts';

export const ANSWER_MS = 900;
export const OPTIONS: FaultOptions = { answer: tonePackets(ANSWER_MS, 60), utterancePackets: 5 };

export function against(
  script: Script,
  play: (rig: AgentRig, server: ScriptedServer) => Promise<void>,
  changes?: PolicyChanges,
) {
  return async () => {
    const server = await startScriptedServer(script);
    const rig = agentRig(server.url, changes);
    try {
      await play(rig, server);
    } finally {
      rig.stop();
      await server.stop();
    }
  };
}

export const lossOf = ({ agent }: AgentRig) => {
  const { link } = agent.state;
  return link.phase === 'waiting' || link.phase === 'stopped' ? link.loss : undefined;
};

export const heardBy = ({ speaker }: AgentRig) => measure(speaker.played(), SPEAKER_HZ);

/** One turn by a click, up to the follow-up listening that comes after the answer was heard. */
export async function turn(rig: AgentRig): Promise<void> {
  await rig.linkIs('ready');
  rig.press();
  await rig.turnIs('speaking');
  await rig.turnIs('listening');
}

export function assertWhole(rig: AgentRig, answers = 1): void {
  const heard = heardBy(rig);
  assert.ok(Math.abs(heard.loudMs - ANSWER_MS * answers) <= 60 * answers, `${heard.loudMs} ms heard`);
  assert.ok(Math.abs(heard.hz - 440) < 3, `${heard.hz} Hz`);
}

/** Whatever else this server does, one turn goes well and is heard to its end. */
export const againstWhole = (script: Script) =>
  against(script, async (rig) => {
    await turn(rig);
    assertWhole(rig);
  });
