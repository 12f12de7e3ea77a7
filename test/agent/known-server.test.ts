// The server that the box talks to: what the owner wrote, what an answer said, what of it outlives the process and what moves it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KnownServer, type KnownServerParts } from '../../src/known-server.ts';
import { keptLog } from '../helpers/card.ts';
import { KeptStore } from '../helpers/kept-store.ts';

const OWN = 'http://192.168.1.20:8003/xiaozhi/ota/';
const HERE = { url: 'ws://192.168.1.20:8000/', token: 'one', framing: 1 } as const;
const THERE = { url: 'ws://6.6.6.6:8000/', token: 'two', framing: 1 } as const;

function known(store: KeptStore = new KeptStore(), more: Partial<KnownServerParts> = {}) {
  const log = keptLog();
  const server = new KnownServer({
    store,
    log,
    asked: OWN,
    writtenUrl: '',
    framing: 1,
    hasToken: false,
    mayMoveByHttp: false,
    ...more,
  });
  return { server, log, store };
}

describe('the known server', () => {
  it('is that of the last good answer, and outlives the process beside the identity', () => {
    const { server, store } = known(new KeptStore({ device_id: 'd' }));
    assert.deepEqual([server.url, server.token, server.framing], ['', '', 1]);
    assert.equal(server.take({ ...HERE, framing: 3 }), true);
    assert.equal((store.value as { device_id?: string }).device_id, 'd');
    const next = known(store).server;
    assert.deepEqual([next.url, next.token, next.framing], [HERE.url, HERE.token, 3]);
  });

  it('is none of another who was asked, nor of whoever was asked when nobody is', () => {
    const { server, store } = known();
    server.take(HERE);
    assert.equal(known(store, { asked: 'https://elsewhere.example/' }).server.url, '');
    const nobodys = new KeptStore({ configuration: { asked: '', ...HERE } });
    assert.equal(known(nobodys, { asked: '' }).server.url, '');
  });

  it('is written when something about it is new, be it only the token or the framing', () => {
    const { server, store } = known();
    for (const [answer, isNew] of [
      [HERE, true],
      [HERE, false],
      [{ ...HERE, token: 'two' }, true],
      [{ ...HERE, token: 'two', framing: 2 }, true],
      [{ ...HERE, token: 'two', framing: 2 }, false],
    ] as const)
      assert.equal(server.take(answer), isNew, JSON.stringify(answer));
    assert.equal(store.writes, 3);
  });

  it('is what the owner wrote, whatever an answer says', () => {
    const { server } = known(new KeptStore(), { writtenUrl: 'ws://own:1/', framing: 2 });
    server.take({ ...HERE, framing: 3 });
    assert.deepEqual([server.url, server.token, server.framing], ['ws://own:1/', 'one', 2]);
  });

  it('is no other one when an answer changes only what the owner has written', () => {
    const SECOND = { ...HERE, token: 'two' } as const;
    for (const [written, answer, isNew] of [
      [{ hasToken: true }, SECOND, false],
      [{ hasToken: true }, { ...HERE, framing: 3 }, true],
      [{ hasToken: false }, SECOND, true],
      [{ writtenUrl: 'ws://own:1/' }, { ...HERE, url: 'ws://192.168.1.20:8000/other/' }, false],
      [{ writtenUrl: 'ws://own:1/' }, SECOND, true],
      [{ framing: 2 }, { ...HERE, framing: 3 }, false],
    ] as const) {
      const { server, store } = known(new KeptStore(), written);
      server.take(HERE);
      assert.equal(server.take(answer), isNew, JSON.stringify([written, answer]));
      assert.equal(store.writes, 2, 'kept all the same, for the owner may take it back');
    }
  });

  it('uses the token of the answer again when the owner has none any more', () => {
    const { server } = known(new KeptStore(), { hasToken: true });
    server.take(HERE);
    assert.equal(server.token, '');
    server.rewrite({ writtenUrl: '', framing: 1, hasToken: false });
    assert.equal(server.token, 'one');
  });

  it('follows the owner, who writes another one, and back to the answer when it is written down no longer', () => {
    const { server } = known();
    server.take({ ...HERE, framing: 3 });
    server.rewrite({ writtenUrl: 'ws://own:1/', framing: 2, hasToken: false });
    assert.deepEqual([server.url, server.framing, server.token], ['ws://own:1/', 2, 'one']);
    server.rewrite({ writtenUrl: '', framing: 1, hasToken: false });
    assert.deepEqual([server.url, server.framing], [HERE.url, 3]);
  });

  it('that an answer named is kept for later while the owner’s is in force', () => {
    const { server, store } = known(new KeptStore(), { writtenUrl: 'ws://own:1/' });
    assert.equal(server.take(HERE), true);
    assert.equal(known(store).server.url, HERE.url);
  });

  it('is not moved by plain http to another host, and that is said', () => {
    const { server, log, store } = known();
    server.take(HERE);
    assert.equal(server.take(THERE), false);
    assert.deepEqual([server.url, server.token], [HERE.url, HERE.token]);
    assert.ok(log.lines.some(({ text }) => text.includes('not followed')));
    const allowed = known(store, { mayMoveByHttp: true }).server;
    assert.equal(allowed.take(THERE), true);
    assert.equal(allowed.url, THERE.url);
  });

  it('shows that an answer was not followed and which key would have it followed, says so once, and keeps that token to itself', () => {
    const { server, log } = known();
    server.take(HERE);
    assert.equal(server.doubt, null);
    for (let times = 0; times < 2; times += 1) assert.equal(server.take(THERE), false);
    assert.match(server.doubt ?? '', /6\.6\.6\.6.*not followed.*server\.allow_http_move/);
    assert.equal(log.lines.length, 1);
    assert.equal(server.token, HERE.token);
    assert.equal(server.take({ ...HERE, token: 'three' }), true);
    assert.deepEqual([server.doubt, server.token], [null, 'three']);
  });

  it('that is spoken to in secret is spoken to in the clear by no answer over plain http, allowed or not', () => {
    for (const mayMoveByHttp of [false, true]) {
      const { server, log, store } = known(new KeptStore(), { mayMoveByHttp });
      const secret = { ...HERE, url: HERE.url.replace('ws:', 'wss:') };
      server.take(secret);
      assert.equal(server.take({ ...HERE, token: 'two' }), false);
      assert.deepEqual([server.url, server.token], [secret.url, 'one']);
      assert.match(server.doubt ?? '', /not followed; use https for server\.ota_url$/);
      assert.ok(log.lines.some(({ text }) => /without encryption: not followed/.test(text)));
      const asked = OWN.replace('http:', 'https:');
      const trusted = known(new KeptStore({ configuration: { asked, ...secret } }), { asked }).server;
      assert.equal(trusted.take(HERE), true, 'by one over https it is');
      assert.equal(known(store).server.url, secret.url);
    }
    const { server } = known();
    server.take(HERE);
    assert.equal(
      server.take({ ...HERE, url: HERE.url.replace('ws:', 'WSS:') }),
      true,
      'and the other way round',
    );
  });

  it('that only Docker can reach is used, and doubted aloud, once, until another one is named', () => {
    const { server, log } = known(new KeptStore(), { mayMoveByHttp: true });
    for (const token of ['one', 'two']) server.take({ ...HERE, url: 'ws://172.18.0.3:8000/', token });
    assert.equal(server.url, 'ws://172.18.0.3:8000/');
    assert.match(server.doubt ?? '', /inside Docker/);
    assert.equal(log.lines.length, 1);
    server.take(HERE);
    assert.equal(server.doubt, null);
  });

  for (const broken of [
    null,
    7,
    [],
    { configuration: 7 },
    { configuration: { asked: OWN, url: 7, token: 'x' } },
    { configuration: { asked: OWN, url: HERE.url, token: 7 } },
    { configuration: { asked: OWN, url: 'http://x/', token: '' } },
  ])
    it(`is none when ${JSON.stringify(broken)} is kept`, () => {
      const { server, store } = known(new KeptStore(broken));
      assert.equal(server.url, '');
      server.take(HERE);
      assert.equal(known(store).server.url, HERE.url, 'and the next answer is kept all the same');
    });
});
