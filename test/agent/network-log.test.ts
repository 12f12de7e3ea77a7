// What people are told of the network: a line a change, one warning when it flaps, and the change that ended or healed an
// outage. Driven by the core with a clock moved by hand.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RESET } from '../helpers/box.ts';
import { address, DOWN, flickered, HOME, unplugged } from '../helpers/networks.ts';
import { failing, fieldOf, WatchedBox } from './watched-box.ts';

const MOVED = address(HOME, '192.168.1.7', '192.168.1.9');

const atHome = () => new WatchedBox().see(HOME).proven();
const warnings = (box: WatchedBox) => box.lines(/flapping/);

describe('S23 S26 the log of the network', () => {
  it('says what there is at the start, and then every change once, with its reasons', () => {
    const box = atHome().see(HOME, unplugged(HOME, 'eth0'));
    box.pass(300).see(flickered(HOME, 'eth0', 2));
    assert.deepEqual(
      box.lines(/^network/).map(({ level, text, fields }) => ({ level, text, ...fields })),
      [
        { level: 'info', text: 'network', usable: true, interface: 'eth0', source: '192.168.1.7' },
        { level: 'info', text: 'network changed', usable: false, reasons: 'no way to the server is left' },
        {
          level: 'info',
          text: 'network changed',
          usable: true,
          interface: 'eth0',
          source: '192.168.1.7',
          reasons: 'the network is back: eth0 (192.168.1.7); the carrier of eth0 is back',
        },
      ],
    );
  });

  it('warns once when it flaps, is silent then, and speaks again after a quiet minute', () => {
    const box = atHome();
    for (let time = 0; time < 20; time += 1) box.see(DOWN).pass(250).see(HOME).pass(250);
    assert.equal(warnings(box).length, 1);
    assert.equal(warnings(box)[0]?.level, 'warn');
    assert.equal(box.lines(/^network changed$/).length, 14);
    box.pass(61_000).see(DOWN);
    assert.equal(box.lines(/^network changed$/).length, 15);
    assert.equal(warnings(box).length, 1);
    for (let time = 0; time < 20; time += 1) box.see(HOME).pass(250).see(DOWN).pass(250);
    assert.equal(warnings(box).length, 2);
  });

  it('warns of flaps that the kernel counts without announcing each', () => {
    const box = atHome().see(flickered(HOME, 'eth0', 12));
    assert.equal(warnings(box).length, 0, 'six in a minute may be somebody at the plug');
    box.pass(1_000).see(flickered(HOME, 'eth0', 40));
    assert.deepEqual(
      warnings(box).map((line) => fieldOf(line, 'changes')),
      [20],
    );
  });

  it('counts also what the carrier did while there was no network', () => {
    const off = { ...unplugged(HOME, 'eth0'), routes: [], source: 'unreachable' } as const;
    const box = atHome().see(off);
    for (let time = 1; time < 10; time += 1) box.pass(500).see(flickered(off, 'eth0', 2 * time, false));
    assert.equal(warnings(box).length, 1);
  });

  it('does not warn of a plug that is nobody’s way', () => {
    const beside = { name: 'eth1', carrier: true, carrierChanges: 0, addresses: [] };
    const box = atHome();
    for (let times = 0; times < 20; times += 1)
      box.pass(500).see({ ...HOME, interfaces: [...HOME.interfaces, { ...beside, carrierChanges: times }] });
    assert.equal(warnings(box).length, 0);
  });

  it('names the cable when a connection is found dead while it is out', () => {
    const box = atHome().see(unplugged(HOME, 'eth0'));
    box.roundTripMs = null;
    box.pass(90_000);
    assert.match(box.outage().loss?.reason ?? '', /no answer to a ping .*no way to the server/);
  });

  it('names what healed an outage, and not what had come back long before it', () => {
    const other = { name: 'wlan0', carrier: true, carrierChanges: 0, addresses: ['192.168.7.3'] };
    const both = { ...HOME, interfaces: [...HOME.interfaces, other] };
    const box = new WatchedBox().see(both).see(DOWN).see(both).connect('192.168.7.3').pass(10_000).hearLife();
    box.pass(60_000).see(HOME);
    assert.equal(box.connect().outage().end?.why, 'own address 192.168.7.3 is gone');
  });

  it('names what healed an outage, and not what happened after it', () => {
    const box = atHome()
      .see(DOWN)
      .pass(5_000)
      .see(HOME)
      .see({ ...HOME, stalledMs: 3_000 });
    assert.equal(box.connect().outage().end?.why, 'the network is back: eth0 (192.168.1.7)');
  });

  it('names the change that ended a connection and the one that healed the outage', () => {
    const box = atHome().see(DOWN);
    const [lost] = box.lines(/^link lost$/);
    assert.match(String(fieldOf(lost, 'reason')), /own address 192\.168\.1\.7 is gone/);
    assert.deepEqual(
      ['detectedBy', 'class', 'retryInMs'].map((name) => fieldOf(lost, name)),
      ['network watch', 'network', 60_000],
    );
    box.pass(5_000).see(HOME).connect();
    const { loss, end } = box.outage();
    assert.match(loss?.reason ?? '', /own address 192\.168\.1\.7 is gone/);
    assert.equal(end?.why, 'the network is back: eth0 (192.168.1.7)');
    assert.equal(fieldOf(box.lines(/^link ready$/).at(-1), 'by'), end?.why);
  });

  it('names it also when the first attempt after it failed, for want of a name service', () => {
    const box = atHome().see(DOWN).pass(5_000).see(HOME);
    box.lose({ ...RESET, class: 'network', detectedBy: 'dns' }).reconnect();
    assert.equal(box.outage().end?.why, 'the network is back: eth0 (192.168.1.7); then a retry');
  });

  it('names it also when another address comes in the same moment', () => {
    const box = atHome().see(MOVED);
    const [lost] = box.lines(/^link lost$/);
    assert.equal(fieldOf(lost, 'detectedBy'), 'network watch');
    assert.match(String(fieldOf(lost, 'reason')), /eth0 \(192\.168\.1\.9\) now.*192\.168\.1\.7 is gone/);
    assert.match(box.connect('192.168.1.9').outage().end?.why ?? '', /192\.168\.1\.9/);
  });

  it('says truly when the next attempt is, also when the network goes or comes in a wait', () => {
    const box = new WatchedBox().see(HOME).do({ type: 'agent.started' });
    failing(box.lose(), 5, RESET);
    const inMs = () => box.history.retryInMs(box.state) ?? Number.NaN;
    assert.ok(inMs() < 60_000);
    box.pass(1_000).see(unplugged(HOME, 'eth0'));
    assert.equal(inMs(), 59_000);
    box.pass(19_000);
    assert.equal(inMs(), 40_000);
    const { attempt } = box.state.link;
    assert.equal(box.pass(39_999).state.link.attempt, attempt);
    assert.equal(box.pass(1).state.link.attempt, attempt + 1);
  });
});
