// What a press does first: the words go on the wire before anything is started that takes time.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { agentRig } from '../helpers/agent-rig.ts';
import { until } from '../helpers/card.ts';
import { greeting } from '../helpers/good-conversation.ts';
import { startScriptedServer } from '../helpers/scripted-server.ts';

it('listen start is on the wire before the microphone starts, and before any packet of a backlog', async () => {
  const server = await startScriptedServer(greeting);
  const rig = agentRig(server.url);
  try {
    await rig.linkIs('ready');
    const deeds: string[] = [];
    const { microphone, agent } = rig;
    const start = microphone.start.bind(microphone);
    microphone.start = (on) => {
      deeds.push('microphone');
      start(on);
    };
    const say = agent.connections.say.bind(agent.connections);
    agent.connections.say = (attempt, message) => {
      deeds.push(message.type);
      return say(attempt, message);
    };
    rig.press();
    assert.deepEqual(deeds, ['listen', 'microphone']);
    agent.dispatch({ type: 'stop.asked' });
    // A press kept over a loss: the backlog comes after listen start, on the next connection too.
    rig.press();
    const [first] = server.sessions;
    await until(
      () => (first?.received.filter((heard) => heard.kind === 'binary').length ?? 0) >= 10,
      'packets',
    );
    first?.reset();
    await until(() => server.sessions.length === 2, 'the next connection');
    const second = server.sessions[1];
    await until(
      () => (second?.received.filter((heard) => heard.kind === 'binary').length ?? 0) >= 15,
      'all of it',
    );
    const kinds = second?.received.map((heard) =>
      heard.kind === 'text' ? (heard.message?.type ?? '?') : 'packet',
    );
    assert.deepEqual(kinds?.slice(0, 4), ['hello', 'listen', 'packet', 'packet']);
    assert.equal(kinds?.filter((kind) => kind === 'listen').length, 1);
  } finally {
    rig.stop();
    await server.stop();
  }
});
