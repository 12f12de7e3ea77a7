// A conversation on the real audio path: the daemon as a process, arecord and aplay on a virtual card, real sockets. What
// the server hears is what was said into the microphone, what the speaker plays is what the server sent; and the
// conversation survives the death of every child.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { childrenNamed, listen, startTestCard, type TestCard, until } from '../helpers/card.ts';
import { childrenOf } from '../helpers/children.ts';
import { type Daemon, folders, startDaemon } from '../helpers/daemon.ts';
import { greeting } from '../helpers/good-conversation.ts';
import { soundCodec, tonePackets } from '../helpers/opus-sound.ts';
import { Room } from '../helpers/room.ts';
import {
  messageOf,
  type ScriptedServer,
  type Session,
  startScriptedServer,
} from '../helpers/scripted-server.ts';
import { measure, tone } from '../helpers/tone.ts';

const SPEECH_HZ = 300;
const ANSWER_MS = 1_500;

/** Plays into the virtual microphone, as a person would speak. */
async function speak(card: TestCard, durationMs: number): Promise<void> {
  const args = ['-q', '-D', card.speakInto, '-t', 'raw', '-f', 'S16_LE', '-r', '16000', '-c', '1', '-'];
  const child = spawn('aplay', args, { stdio: ['pipe', 'inherit', 'inherit'], env: card.childEnvironment });
  child.stdin.end(tone(SPEECH_HZ, durationMs, 16_000));
  await once(child, 'close');
}

function decoded(session: Session, from = 0): Buffer {
  const decoder = soundCodec().decoder(16_000);
  const packets = session.received
    .slice(from)
    .flatMap((heard) => (heard.kind === 'binary' ? [heard.bytes] : []));
  return Buffer.concat(packets.flatMap((packet) => decoder.decode(packet) ?? []));
}

describe('a conversation on a real audio path', () => {
  let room: Room;
  let daemon: Daemon;
  const session = () => room.session;

  before(async () => {
    room = await Room.open(24_000);
    daemon = room.start();
    await daemon.logged(/link ready/);
  });
  after(() => room.close());

  it('the server hears what is said, whole and at its pitch, after listen start', async () => {
    const from = session().received.length;
    await daemon.ask('press');
    await speak(room.card, 2_000);
    await daemon.ask('press');
    await until(
      () =>
        session().received.some(
          (heard, at) =>
            at >= from &&
            messageOf(heard)?.type === 'listen' &&
            heard.kind === 'text' &&
            heard.text.includes('"stop"'),
        ),
      'listen stop',
    );
    const heard = session().received.slice(from);
    assert.equal(
      heard[0]?.kind === 'text' && heard[0].text.includes('"state":"start","mode":"auto"'),
      true,
      'listen start comes first',
    );
    const speech = measure(decoded(session(), from), 16_000);
    assert.ok(Math.abs(speech.loudMs - 2_000) <= 60, `${speech.loudMs} ms`);
    assert.equal(speech.holes, 0);
    assert.ok(Math.abs(speech.hz - SPEECH_HZ) < 2, `${speech.hz} Hz`);
    assert.equal(heard.at(-1)?.kind, 'text', 'nothing is sent after listen stop');
  });

  it('the speaker plays what the server sends, whole and at its pitch', async () => {
    const before = room.ear.heard().length;
    session().say({ type: 'stt', text: 'hm' });
    session().say({ type: 'tts', state: 'start' });
    await session().packets(tonePackets(ANSWER_MS, 60));
    session().say({ type: 'tts', state: 'stop' });
    await daemon.logged(/turn idle .*answered/);
    await until(
      () => measure(room.ear.heard().subarray(before), 24_000).silentTailMs > 100,
      'the end of the answer',
    );
    const answer = measure(room.ear.heard().subarray(before), 24_000);
    assert.ok(Math.abs(answer.loudMs - ANSWER_MS) <= 60, `${answer.loudMs} ms`);
    assert.ok(Math.abs(answer.hz - 440) < 3, `${answer.hz} Hz`);
    assert.equal(answer.holes, 0);
    assert.deepEqual(childrenOf(daemon.pid, 'aplay'), [], 'the speaker is closed when nothing plays');
    assert.deepEqual(childrenOf(daemon.pid, 'arecord'), [], 'the microphone is closed when nobody listens');
  });

  it('a recorder that is killed in mid-sentence is replaced, and the rest is heard', async () => {
    const from = session().received.length;
    const restarts = daemon.count(/microphone broke off/);
    await daemon.ask('press');
    await until(() => childrenOf(daemon.pid, 'arecord').length === 1, 'arecord');
    const speaking = speak(room.card, 3_000);
    await until(() => measure(decoded(session(), from), 16_000).loudMs > 500, 'the first words');
    for (const child of childrenOf(daemon.pid, 'arecord')) process.kill(child, 'SIGKILL');
    await speaking;
    await until(() => measure(decoded(session(), from), 16_000).loudMs > 2_300, 'the rest of the words');
    assert.equal(daemon.count(/microphone broke off/), restarts + 1);
    assert.match(daemon.log(), /microphone broke off .*SIGKILL/);
    const { stdout } = await daemon.ask('status', '--json');
    assert.equal(JSON.parse(stdout).audio.input.restarts, 1);
    assert.equal(childrenOf(daemon.pid, 'arecord').length, 1, 'one child, and the dead one reaped');
    await daemon.ask('stop');
    await session().next('abort');
    // A server's answer to an abort; before it, whatever comes belongs to what was aborted.
    session().say({ type: 'tts', state: 'stop' });
  });

  it('a player that is killed in mid-answer is replaced, and the rest is heard', async () => {
    const before = room.ear.heard().length;
    session().say({ type: 'tts', state: 'start' });
    const sending = session().packets(tonePackets(3_000, 60));
    await until(() => measure(room.ear.heard().subarray(before), 24_000).loudMs > 500, 'the first part');
    for (const child of childrenOf(daemon.pid, 'aplay')) process.kill(child, 'SIGKILL');
    await sending;
    session().say({ type: 'tts', state: 'stop' });
    await daemon.logged(/speaker broke off/);
    await until(() => measure(room.ear.heard().subarray(before), 24_000).loudMs > 2_500, 'the rest');
    await until(() => childrenOf(daemon.pid, 'aplay').length === 0, 'the player’s end');
  });

  it('silence comes at once with a press over an answer', async () => {
    session().say({ type: 'tts', state: 'start' });
    const packets = session().packets(tonePackets(5_000, 60), { burst: 80 });
    await until(() => childrenOf(daemon.pid, 'aplay').length === 1, 'the player');
    await daemon.ask('press');
    await until(() => childrenOf(daemon.pid, 'aplay').length === 0, 'silence');
    const said = session().received.flatMap((heard) => (heard.kind === 'text' ? [heard.text] : []));
    assert.match(said.at(-2) ?? '', /"abort"/);
    assert.match(said.at(-1) ?? '', /"listen","state":"start"/);
    await packets;
    await daemon.ask('stop');
  });
});

describe('a card that fails', () => {
  async function withDaemon(
    settings: Readonly<Record<string, string>>,
    environment: NodeJS.ProcessEnv,
    play: (daemon: Daemon, server: ScriptedServer) => Promise<void>,
  ): Promise<void> {
    const server = await startScriptedServer(greeting);
    const places = await folders();
    const daemon = startDaemon(places, {
      environment,
      settings: { 'server.websocket_url': server.url, ...settings },
    });
    try {
      await daemon.logged(/link ready/);
      await play(daemon, server);
      assert.equal(await daemon.stop(), 0);
    } finally {
      daemon.process.kill('SIGKILL');
      await server.stop();
      await places.remove();
    }
  }

  it('by not being there leaves the daemon up: error cue, and the reason in log and status', () =>
    withDaemon({ 'audio.input.device': 'plughw:CARD=nosuchcard' }, process.env, async (daemon) => {
      await daemon.ask('press');
      await daemon.logged(/cue cue=error/);
      assert.match(daemon.log(), /microphone broke off .*nosuchcard/);
      const { code, stdout } = await daemon.ask('status');
      assert.equal(code, 1);
      assert.match(stdout, /microphone {2}plughw:CARD=nosuchcard.*trouble at .*nosuchcard/);
    }));

  it('for want of arecord says what to install', () =>
    withDaemon(
      { 'audio.input.device': 'default' },
      { ...process.env, PATH: '/nonexistent' },
      async (daemon) => {
        await daemon.ask('press');
        await daemon.logged(/apt-get install alsa-utils/);
        await daemon.logged(/cue cue=error/);
      },
    ));

  it('by hanging is noticed: the player is replaced, and status says so', async () => {
    const card = await startTestCard();
    const places = await folders();
    const real = execFileSync('which', ['aplay']).toString().trim();
    // The first one takes the first second of sound and then nothing any more.
    const script = `#!/bin/sh\nif mkdir ${places.root}/first 2>/dev/null; then head -c 48000 >/dev/null; exec sleep 1000; fi\nexec ${real} "$@"\n`;
    writeFileSync(join(places.root, 'aplay'), script, { mode: 0o755 });
    const environment = { ...card.childEnvironment, PATH: `${places.root}:${process.env.PATH}` };
    await withDaemon({ 'audio.output.device': card.speaker }, environment, async (daemon, server) => {
      const [session] = server.sessions;
      const ear = await listen(card, card.listenTo, 24_000);
      session?.say({ type: 'tts', state: 'start' });
      await session?.packets(tonePackets(7_000, 60));
      session?.say({ type: 'tts', state: 'stop' });
      await daemon.logged(/speaker broke off .*takes no more sound/);
      await until(() => measure(ear.heard(), 24_000).loudMs > 1_500, 'the rest of the answer');
      const { audio } = JSON.parse((await daemon.ask('status', '--json')).stdout);
      assert.equal(audio.output.restarts, 1);
      assert.match(audio.output.last_trouble.reason, /takes no more sound/);
      await ear.stop();
    });
    await card.stop();
    await places.remove();
  });

  it('played by the speaker package: the answer is heard, and a hanging card does not keep the daemon from leaving', async () => {
    const room = await Room.open(24_000);
    const { ear } = room;
    const daemon = room.start({ 'audio.output.backend': 'speaker' });
    await daemon.logged(/link ready/);
    const { session } = room;
    session.say({ type: 'tts', state: 'start' });
    const sending = session.packets(tonePackets(2_000, 60));
    await until(() => measure(ear.heard(), 24_000).loudMs > 500, 'the answer');
    assert.deepEqual(childrenOf(daemon.pid, 'aplay'), [], 'it is not aplay that plays');
    await sending;
    session.say({ type: 'tts', state: 'stop' });
    await daemon.logged(/turn idle .*answered/);
    await until(() => measure(ear.heard(), 24_000).silentTailMs > 200, 'the end of the answer');
    assert.ok(Math.abs(measure(ear.heard(), 24_000).loudMs - 2_000) <= 80, 'heard whole');
    session.say({ type: 'tts', state: 'start' });
    const more = session.packets(tonePackets(3_000, 60));
    await until(() => measure(ear.heard(), 24_000).loudMs > 2_500, 'the next answer');
    const [pulse] = childrenNamed('pulseaudio');
    if (pulse === undefined) throw new Error('no PulseAudio');
    process.kill(pulse, 'SIGSTOP');
    await more;
    await daemon.stop();
    process.kill(pulse, 'SIGCONT');
    await room.close();
  });

  it('in the middle of a turn leaves the daemon up, and the turn ends with the error cue', async () => {
    const card = await startTestCard();
    await withDaemon(
      { 'audio.input.device': card.microphone, 'audio.output.device': card.speaker },
      card.childEnvironment,
      async (daemon, server) => {
        await daemon.ask('press');
        await until(
          () => server.sessions[0]?.received.some((heard) => heard.kind === 'binary') ?? false,
          'speech',
        );
        await card.stop();
        await daemon.logged(/microphone broke off/);
        await daemon.logged(/cue cue=error/);
        assert.equal((await daemon.ask('status')).code, 1, 'up, and without a microphone');
      },
    );
  });

  it('by having no default is refused to the package that would crash of it, and aplay serves instead', async () => {
    const places = await folders();
    const file = join(places.root, 'asound.conf');
    writeFileSync(file, 'pcm.!default { type hw card 97 }\n');
    await withDaemon(
      { 'audio.output.backend': 'speaker', 'audio.output.device': 'default' },
      { ...process.env, ALSA_CONFIG_PATH: file, PULSE_SERVER: 'unix:/nonexistent' },
      async (daemon) => {
        assert.match(daemon.log(), /backend "speaker" cannot be used; "aplay" is/);
      },
    );
    await places.remove();
  });
});
