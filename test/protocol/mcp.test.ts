// The device's side of MCP without tools: each request's reply, and silence where none is due.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerMcp } from '../../src/protocol/mcp.ts';
import type { JsonObject } from '../../src/protocol/messages.ts';

const DEVICE = { name: 'xiaozhi-agent', version: '1.2.3' };
const ask = (more: JsonObject) => answerMcp({ jsonrpc: '2.0', id: 7, ...more }, DEVICE);

describe('the device’s MCP', () => {
  it('introduces itself', () => {
    assert.deepEqual(ask({ method: 'initialize', params: { capabilities: {} } }), {
      jsonrpc: '2.0',
      id: 7,
      result: { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: DEVICE },
    });
  });

  it('lists no tools, with or without params', () => {
    for (const more of [{}, { params: { cursor: '' } }])
      assert.deepEqual(ask({ method: 'tools/list', ...more }), {
        jsonrpc: '2.0',
        id: 7,
        result: { tools: [] },
      });
  });

  it('names the tool it does not have, and the method', () => {
    const unknown = ask({ method: 'tools/call', params: { name: 'self.reboot' } });
    assert.match(JSON.stringify(unknown), /"message":"Unknown tool: self\.reboot"/);
    assert.match(JSON.stringify(ask({ method: 'tools/call' })), /Unknown tool: "/);
    assert.match(
      JSON.stringify(ask({ method: 'resources/list' })),
      /Method not implemented: resources\/list/,
    );
  });

  const SILENT: readonly JsonObject[] = [
    { method: 'notifications/initialized' },
    { method: 'initialize', id: '7' },
    { method: 'initialize', jsonrpc: '1.0' },
    { method: 7 },
    { method: 'tools/list', params: [] },
    { method: 'tools/list', params: 'x' },
    { result: {} },
  ];
  for (const request of SILENT)
    it(`says nothing to ${JSON.stringify(request)}`, () => assert.equal(ask(request), undefined));
});
