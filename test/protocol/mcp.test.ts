// The device's side of MCP: each request's reply, silence where none is due, pages of a list, arguments checked.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMcp } from '../../src/protocol/mcp.ts';
import type { JsonObject } from '../../src/protocol/messages.ts';
import type { ToolShape } from '../../src/protocol/tools.ts';

const DEVICE = { name: 'xiaozhi-agent', version: '1.2.3' };
const VOLUME: ToolShape = {
  name: 'self.audio_speaker.set_volume',
  description: 'Sets the volume.',
  arguments: [
    { name: 'volume', kind: 'integer', minimum: 0, maximum: 100 },
    { name: 'fade', kind: 'boolean', preset: false },
    { name: 'where', kind: 'string', options: ['here', 'there'], preset: 'here' },
  ],
  audience: 'model',
};
const ask = (more: JsonObject, tools: readonly ToolShape[] = []) =>
  readMcp({ jsonrpc: '2.0', id: 7, ...more }, DEVICE, tools);
const replied = (...given: Parameters<typeof ask>): JsonObject => {
  const read = ask(...given);
  assert.equal(read.kind, 'reply');
  return read.kind === 'reply' ? read.payload : {};
};

describe('the device’s MCP', () => {
  it('introduces itself', () => {
    assert.deepEqual(replied({ method: 'initialize', params: { capabilities: {} } }), {
      jsonrpc: '2.0',
      id: 7,
      result: { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: DEVICE },
    });
  });

  it('lists its tools, with or without params', () => {
    for (const more of [{}, { params: {} }, { params: { cursor: '' } }, { params: { cursor: 7 } }]) {
      assert.deepEqual(replied({ method: 'tools/list', ...more }).result, { tools: [] });
      assert.deepEqual(replied({ method: 'tools/list', ...more }, [VOLUME]).result, {
        tools: [
          {
            name: VOLUME.name,
            description: VOLUME.description,
            inputSchema: {
              type: 'object',
              properties: {
                volume: { type: 'integer', minimum: 0, maximum: 100 },
                fade: { type: 'boolean', default: false },
                where: { type: 'string', default: 'here', enum: ['here', 'there'] },
              },
              required: ['volume'],
            },
          },
        ],
      });
    }
  });

  it('lists an owner’s tools only to whoever asks for them', () => {
    const owners: ToolShape = { ...VOLUME, name: 'self.reboot', audience: 'owner' };
    const names = (params: JsonObject) =>
      JSON.stringify(replied({ method: 'tools/list', params }, [VOLUME, owners])).match(/self\.\w+/g);
    assert.deepEqual(names({}), ['self.audio_speaker']);
    assert.deepEqual(names({ withUserTools: 'yes' }), ['self.audio_speaker']);
    assert.deepEqual(names({ withUserTools: true }), ['self.audio_speaker', 'self.reboot']);
    const { tools } = replied({ method: 'tools/list', params: { withUserTools: true } }, [VOLUME, owners])
      .result as { tools: { annotations?: object }[] };
    assert.deepEqual(
      tools.map(({ annotations }) => annotations),
      [undefined, { audience: ['user'] }],
    );
  });

  it('describes an argument where there is something to say, and bounds only what has bounds', () => {
    const argument = { name: 'count', kind: 'integer', description: 'How many.' } as const;
    const plain: ToolShape = { name: 'x', description: '', arguments: [argument], audience: 'model' };
    const { tools } = replied({ method: 'tools/list' }, [plain]).result as {
      tools: { inputSchema: { properties: object } }[];
    };
    assert.deepEqual(tools[0]?.inputSchema.properties, {
      count: { type: 'integer', description: 'How many.' },
    });
    const called = (count: number) =>
      ask({ method: 'tools/call', params: { name: 'x', arguments: { count } } }, [plain]);
    assert.equal(called(2 ** 53 - 1).kind, 'call');
    assert.match(JSON.stringify(called(2 ** 53)), /Missing valid argument: count/);
  });

  it('has a page for the biggest tool of all, and none for one byte more', () => {
    const sized = (characters: number): ToolShape => ({ ...VOLUME, description: 'x'.repeat(characters) });
    const asked = (characters: number) =>
      JSON.stringify(replied({ method: 'tools/list' }, [sized(characters)]));
    let most = 7_000;
    while (asked(most + 1).includes('"tools":[{')) most += 1;
    assert.ok(Buffer.byteLength(asked(most)) < 8_000, `${Buffer.byteLength(asked(most))} bytes`);
    assert.match(asked(most + 1), /because of payload size limit/);
  });

  it('gives long lists in pages below 8,000 bytes, each tool once', () => {
    const many = Array.from({ length: 60 }, (_, at) => ({
      ...VOLUME,
      name: `tool_${at}`,
      description: '音量'.repeat(120),
    }));
    const seen: string[] = [];
    let cursor: string | undefined = '';
    for (let pages = 0; cursor !== undefined && pages < 60; pages += 1) {
      const { result } = replied({ method: 'tools/list', params: { cursor } }, many);
      assert.ok(Buffer.byteLength(JSON.stringify(result)) < 8_000);
      const page = result as { tools: { name: string }[]; nextCursor?: string };
      seen.push(...page.tools.map(({ name }) => name));
      cursor = page.nextCursor;
    }
    assert.deepEqual(
      seen,
      many.map(({ name }) => name),
    );
  });

  it('names the tool it does not have, the method, the cursor and the tool too big for a page', () => {
    const text = (...given: Parameters<typeof ask>) => JSON.stringify(replied(...given));
    assert.match(
      text({ method: 'tools/call', params: { name: 'self.reboot' } }),
      /"Unknown tool: self\.reboot"/,
    );
    assert.match(text({ method: 'tools/call' }), /Missing params/);
    assert.match(text({ method: 'tools/call', params: {} }), /Missing name/);
    assert.match(text({ method: 'resources/list' }), /Method not implemented: resources\/list/);
    assert.match(text({ method: 'tools/list', params: { cursor: 'x' } }), /Unknown cursor: x/);
    const big = { ...VOLUME, description: 'x'.repeat(9_000) };
    assert.match(text({ method: 'tools/list' }, [big]), /because of payload size limit/);
  });

  const SILENT: readonly JsonObject[] = [
    { method: 'notifications/initialized' },
    { method: 'notifications/cancelled', params: { requestId: 1 } },
    { method: 'initialize', id: '7' },
    { method: 'initialize', jsonrpc: '1.0' },
    { method: 7 },
    { method: 'tools/list', params: [] },
    { method: 'tools/list', params: 'x' },
    { result: {} },
  ];
  for (const request of SILENT)
    it(`says nothing to ${JSON.stringify(request)}`, () => assert.equal(ask(request).kind, 'silent'));
});

describe('the arguments of a tool', () => {
  const call = (given?: JsonObject) =>
    ask({ method: 'tools/call', params: { name: VOLUME.name, ...(given && { arguments: given }) } }, [
      VOLUME,
    ]);

  it('are those it knows; the others fall back to what they are by default', () => {
    const read = call({ volume: 50, fade: 'yes', more: 1 });
    assert.deepEqual(read.kind === 'call' && read.values, { volume: 50, fade: false, where: 'here' });
  });

  const WRONG: readonly (readonly [JsonObject | undefined, RegExp])[] = [
    [undefined, /Missing valid argument: volume/],
    [{}, /Missing valid argument: volume/],
    [{ volume: '50' }, /Missing valid argument: volume/],
    [{ volume: 50.5 }, /Missing valid argument: volume/],
    [{ volume: -1 }, /below minimum allowed: 0/],
    [{ volume: 101 }, /exceeds maximum allowed: 100/],
    [{ volume: 1, where: 'elsewhere' }, /Missing valid argument: where/],
    [{ volume: 1, where: 'x'.repeat(2_000) }, /exceeds maximum allowed/],
  ];
  for (const [given, words] of WRONG)
    it(`are refused when they are ${JSON.stringify(given)?.slice(0, 40)}`, () => {
      const read = call(given);
      assert.match(JSON.stringify(read.kind === 'reply' && read.payload.error), words);
    });
});
