// What a server may ask of the running box, over the wire: before the hello and after it, with ids that repeat, during an
// answer; the box's own tools and the owner's.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import type { JsonObject } from '../../src/protocol/messages.ts';
import { until } from '../helpers/card.ts';
import { type Daemon, type Folders, folders, startDaemon } from '../helpers/daemon.ts';
import { tonePackets } from '../helpers/opus-sound.ts';
import {
  messageOf,
  type ScriptedServer,
  type Session,
  startScriptedServer,
} from '../helpers/scripted-server.ts';

const OWNERS = `
[tools.greet]
description = "Greets somebody."
command = ["/bin/echo", "hello", "{whom}"]
[tools.greet.arguments.whom]
type = "string"
[tools.slow]
description = "Takes its time."
command = ["/bin/sleep", "60"]
timeout_ms = 200
[tools.lamp]
description = "Turns the lamp on or off."
gpio_output = 23
`;

async function ask(session: Session, id: number, method: string, params?: JsonObject): Promise<JsonObject> {
  session.say({
    type: 'mcp',
    payload: { jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) },
  });
  const heard = await session.next((one) => {
    const message = messageOf(one);
    return message?.type === 'mcp' && message.payload.id === id;
  });
  const message = messageOf(heard);
  return message?.type === 'mcp' ? message.payload : {};
}
const call = (session: Session, id: number, name: string, given: JsonObject = {}) =>
  ask(session, id, 'tools/call', { name, arguments: given });
const textOf = ({ result, error }: JsonObject) =>
  (result as { content?: { text: string }[] } | undefined)?.content?.[0]?.text ??
  `error: ${(error as { message?: string } | undefined)?.message}`;

describe('a server', () => {
  let server: ScriptedServer;
  let places: Folders;
  let daemon: Daemon;
  afterEach(async () => {
    await daemon.stop();
    await places.remove();
  });

  /** Plays the script on the first connection, to its end. */
  async function play(script: (session: Session) => Promise<void>, text = OWNERS): Promise<void> {
    let over = false;
    server = await startScriptedServer(async (session) => {
      if (session.index > 0) return;
      try {
        await script(session);
      } finally {
        over = true;
      }
    });
    places = await folders();
    mkdirSync(places.root, { recursive: true });
    const file = join(places.root, 'config.toml');
    writeFileSync(file, text);
    daemon = startDaemon(
      { ...places, options: ['--config', file, ...places.options].slice(2).concat('--config', file) },
      { settings: { 'server.websocket_url': server.url } },
    );
    await until(() => over, 'the end of the script');
    await server.stop();
  }
  const greet = async (session: Session) => {
    await session.next('hello', Number.POSITIVE_INFINITY);
    session.hello();
  };

  it('finds the tools of the box first, then the owner’s, and may ask before its hello', async () => {
    await play(async (session) => {
      await session.next('hello', Number.POSITIVE_INFINITY);
      const { result } = await ask(session, 2, 'tools/list');
      const { tools } = result as { tools: { name: string }[] };
      assert.deepEqual(
        tools.map(({ name }) => name),
        [
          'self.get_device_status',
          'self.audio_speaker.set_volume',
          'self.audio_microphone.set_mute',
          'self.network.get_status',
          'self.set_press_to_talk',
          'greet',
          'slow',
          'lamp',
        ],
      );
      session.hello();
    });
  });

  it('turns the volume, looks at the state, mutes, asks how the connection is and what the button is to do', async () => {
    await play(async (session) => {
      await greet(session);
      assert.equal(textOf(await call(session, 1, 'self.audio_speaker.set_volume', { volume: 40 })), 'true');
      assert.equal(textOf(await call(session, 1, 'self.audio_microphone.set_mute', { muted: true })), 'true');
      const found = JSON.parse(textOf(await call(session, 1, 'self.get_device_status')));
      assert.deepEqual([found.audio_speaker, found.audio_microphone], [{ volume: 40 }, { muted: true }]);
      const connection = JSON.parse(textOf(await call(session, 1, 'self.network.get_status')));
      assert.equal(connection.connected, true);
      assert.equal(connection.reconnects, 0);
      assert.equal(
        textOf(await call(session, 1, 'self.set_press_to_talk', { mode: 'press_to_talk' })),
        'true',
      );
      assert.match(
        textOf(await call(session, 2, 'self.audio_speaker.set_volume', { volume: 400 })),
        /exceeds maximum/,
      );
      assert.match(textOf(await call(session, 2, 'self.reboot')), /Unknown tool: self\.reboot/);
    });
    assert.equal(daemon.count(/tool called by the server/), 5);
    assert.equal(daemon.count(/tool refused/), 2, 'one line for each call');
  });

  it('may turn the volume ten times in ten seconds, and is told so beyond that', async () => {
    await play(async (session) => {
      await greet(session);
      const said: string[] = [];
      for (let volume = 1; volume <= 12; volume += 1)
        said.push(textOf(await call(session, volume, 'self.audio_speaker.set_volume', { volume })));
      assert.deepEqual(said.slice(0, 10), Array(10).fill('true'));
      for (const one of said.slice(10)) assert.equal(one, 'error: Too often: at most 10 calls in 10 s');
      const found = JSON.parse(textOf(await call(session, 13, 'self.get_device_status')));
      assert.equal(found.audio_speaker.volume, 10);
    });
  });

  it('gets a long list page by page under one id, each page small enough for the gateway', async () => {
    const names = Array.from({ length: 24 }, (_, at) => `tool_${at}`);
    const text = names
      .map((name) => `[tools.${name}]\ndescription = "${'灯'.repeat(400)}"\ncommand = ["/bin/true"]\n`)
      .join('');
    await play(async (session) => {
      await greet(session);
      const seen: string[] = [];
      let pages = 0;
      let cursor: string | undefined;
      do {
        const from = session.received.length;
        const reply = await ask(session, 2, 'tools/list', cursor === undefined ? undefined : { cursor });
        const [sent] = session.received.slice(from).filter((one) => messageOf(one)?.type === 'mcp');
        assert.ok(sent?.kind === 'text' && Buffer.byteLength(sent.text) < 8_192, 'XG: 8,192 bytes');
        const page = reply.result as { tools: { name: string }[]; nextCursor?: string };
        assert.ok(Buffer.byteLength(JSON.stringify(page)) < 8_000);
        seen.push(...page.tools.map(({ name }) => name));
        cursor = page.nextCursor;
        pages += 1;
      } while (cursor !== undefined && pages < 30);
      assert.ok(pages >= 4, `${pages} pages`);
      assert.deepEqual(
        seen.filter((name) => !name.startsWith('self.')),
        names,
      );
    }, text);
  });

  it('runs what the owner has allowed, with a time of its own, and is told why something fails', async () => {
    await play(async (session) => {
      await greet(session);
      const whom = '$(id); `x`';
      assert.equal(textOf(await call(session, 1, 'greet', { whom })), `hello ${whom}`);
      assert.match(
        textOf(await call(session, 2, 'greet', { whom: '--version' })),
        /Missing valid argument: whom/,
      );
      assert.match(textOf(await call(session, 3, 'slow')), /longer than 200 ms/);
      assert.match(textOf(await call(session, 4, 'lamp', { on: true })), /^error: /);
    });
    assert.match(daemon.log(), /tool=greet argument_whom="?10 characters/);
  });

  it('uses only what is allowed and not denied', async () => {
    const text = `[mcp]\nallow = "self.get_device_status, greet"\ndeny = "greet"\n${OWNERS}`;
    await play(async (session) => {
      await greet(session);
      const listed = JSON.stringify(await ask(session, 1, 'tools/list'));
      assert.deepEqual(listed.match(/"name":"[^"]+"/g), ['"name":"self.get_device_status"']);
      assert.match(textOf(await call(session, 2, 'greet', { whom: 'x' })), /Unknown tool/);
    }, text);
  });

  it('is answered while it speaks, and its speech goes on', async () => {
    await play(async (session) => {
      await greet(session);
      session.say({ type: 'tts', state: 'start' });
      const speech = session.packets(tonePackets(600, 60));
      session.say({
        type: 'mcp',
        payload: { jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'slow' } },
      });
      await speech;
      session.say({ type: 'tts', state: 'stop' });
      const status = JSON.parse((await daemon.ask('status', '--json')).stdout);
      assert.equal(status.audio.output.gaps, 0);
    });
  });
});
