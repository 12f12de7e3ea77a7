// The language that an owner chooses: of what the server writes, and of the digits that the box speaks.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { callerOf } from '../../src/commands/known-server.ts';
import { chimesOf } from '../../src/commands/loudspeaker.ts';
import { loadConfig } from '../../src/config/load.ts';
import { callBody, callHeaders } from '../../src/protocol/configuration.ts';
import { keptLog } from '../helpers/card.ts';

describe('the language', () => {
  const load = (overrides: Record<string, string>) => loadConfig({ environment: {}, overrides }).config;
  for (const [settings, asked, spoken] of [
    [{}, 'en-US', 'en'],
    [{ 'server.language': 'en-US' }, 'en-US', 'en'],
    [{ 'server.language': 'zh-CN' }, 'zh-CN', 'zh'],
    [{ 'server.language': 'zh-CN', 'sounds.language': 'en' }, 'zh-CN', 'en'],
    [{ 'server.language': 'en-US', 'sounds.language': 'zh' }, 'en-US', 'zh'],
    [{ 'server.language': 'zh-CN', 'sounds.language': 'beeps' }, 'zh-CN', 'beeps'],
  ] as const)
    it(`of ${JSON.stringify(settings)} is ${asked} to the server, and ${spoken} to ears`, () => {
      const config = load(settings);
      const identity = { deviceId: '02:00:00:00:00:01', clientId: 'c' };
      const caller = callerOf(config, { identity, version: '1', address: () => '' });
      assert.equal(callHeaders(caller)['Accept-Language'], asked);
      assert.equal(JSON.parse(callBody(caller)).language, asked);
      assert.equal(chimesOf(() => config, keptLog()).policy().language, spoken);
    });
});
