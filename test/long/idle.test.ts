// S31 and S32 in their own time and with the default timing: a server that really closes after a minute of silence, for
// ten minutes. All at once, so that it takes some eleven.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkPolicy } from '../../src/core/link.ts';
import { type AgentRig, agentRig } from '../helpers/agent-rig.ts';
import { goodConversation, isListenStart } from '../helpers/good-conversation.ts';
import { lossesOf } from '../helpers/link-rig.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import {
  type Script,
  type ScriptedServer,
  type Session,
  startScriptedServer,
} from '../helpers/scripted-server.ts';

const LIMIT_MS = 60_000;
/** Real servers look every few seconds, too. */
const LOOK_EVERY_MS = 1_000;
const TEN_MINUTES_MS = 600_000;
/** Beside the ten minutes: the first turn, the last one, and a loaded machine. */
const TIMEOUT_MS = TEN_MINUTES_MS + 120_000;

/** The one place where time itself is the subject. */
const passing = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

const talking = goodConversation({ answer: tonePackets(300, 60), utterancePackets: 5 });

/** Talks to whoever talks, and ends the session after a minute in which nobody does. */
const impatient =
  (end: (session: Session) => void): Script =>
  async (session) => {
    const conversation = talking(session);
    const silence = async () => {
      let count = 0;
      let heardAt = performance.now();
      while (performance.now() - heardAt < LIMIT_MS) {
        if ((await Promise.race([passing(LOOK_EVERY_MS), session.closed])) !== undefined) return 'closed';
        if (session.received.length === count) continue;
        count = session.received.length;
        heardAt = performance.now();
      }
      return 'silence';
    };
    if ((await silence()) === 'silence') end(session);
    await conversation;
  };

/** What `LinkPolicy` is made of without any configuration: see src/config/schema.ts. */
const DEFAULTS: Partial<LinkPolicy> = {
  backoffBaseMs: 1_000,
  backoffCapMs: 60_000,
  firstRetryMs: 250,
  connectTimeoutMs: 10_000,
  helloTimeoutMs: 10_000,
  restAfterMs: 30 * 60_000,
};

async function during(
  end: (session: Session) => void,
  link: Partial<LinkPolicy>,
  play: (rig: AgentRig, server: ScriptedServer) => Promise<void>,
): Promise<void> {
  const server = await startScriptedServer(impatient(end));
  const rig = agentRig(server.url, { link: { ...DEFAULTS, ...link }, turn: { followUp: false } }, 10_000);
  try {
    await play(rig, server);
  } finally {
    rig.stop();
    await server.stop();
  }
}

const troubles = ({ log }: AgentRig) =>
  log.lines.filter(({ level }) => level === 'warn' || level === 'error').map(({ text }) => text);

/** A turn from the press to its end, on whatever connection there is. */
async function converse(rig: AgentRig, server: ScriptedServer): Promise<void> {
  await rig.linkIs('ready');
  const turnsBefore = rig.agent.history.turns;
  rig.press();
  await rig.turnIs('speaking');
  await rig.turnIs('idle');
  assert.equal(rig.agent.history.turns, turnsBefore + 1);
  assert.ok(server.sessions.at(-1)?.received.some(isListenStart));
  assert.equal(rig.agent.history.lastTurn?.why, 'answered');
}

describe('unscaled', { concurrency: 4, timeout: TIMEOUT_MS }, () => {
  it('S31 a close by 1006 after a minute of silence is answered at once, and the next message works', () =>
    during(
      (session) => session.terminate(),
      { renew: false },
      async (rig, server) => {
        await converse(rig, server);
        const [first] = server.sessions;
        await first?.closed;
        await rig.linkIs('ready');
        const [wait, ...others] = rig.links.filter((link) => link.phase === 'waiting');
        assert.ok(wait?.phase === 'waiting' && others.length === 0);
        assert.equal(wait.failures, 0);
        assert.ok(wait.delayMs <= 250, `${wait.delayMs} ms`);
        assert.equal(server.sessions.length, 2);
        assert.deepEqual(troubles(rig), ['link lost']);
        await converse(rig, server);
      },
    ));

  it('S32 ten silent minutes against a server that closes each: as often back, and nobody notices', () =>
    during(
      (session) => session.close(1000),
      { renew: false },
      async (rig, server) => {
        await converse(rig, server);
        await passing(TEN_MINUTES_MS);
        await converse(rig, server);
        assert.ok(server.sessions.length >= 9, `${server.sessions.length} sessions`);
        assert.equal(server.sessions.length, 1 + lossesOf(rig).length);
        assert.ok(lossesOf(rig).every((loss) => loss.class === 'normal'));
        assert.deepEqual(troubles(rig), []);
        assert.ok(
          rig.cues.every((cue) => ['ready', 'listen', 'heard', 'again'].includes(cue)),
          rig.cues.join(', '),
        );
      },
    ));

  it('S32 with renewal the server closes once, and never again', () =>
    during(
      (session) => session.close(1000),
      {},
      async (rig, server) => {
        await converse(rig, server);
        await passing(TEN_MINUTES_MS);
        await converse(rig, server);
        assert.equal(lossesOf(rig).length, 1);
        assert.ok(server.sessions.length >= 9, `${server.sessions.length} sessions`);
        assert.deepEqual(troubles(rig), []);
      },
    ));

  it('S32 with renewal a server that closes by 1006 does so twice, and never again', () =>
    during(
      (session) => session.terminate(),
      {},
      async (rig, server) => {
        await converse(rig, server);
        await passing(TEN_MINUTES_MS);
        await converse(rig, server);
        assert.equal(lossesOf(rig).length, 2);
        assert.deepEqual(troubles(rig), ['link lost', 'link lost']);
      },
    ));
});
