// What happens between a board and its server: no network, a cable that goes and comes, another address, a server that dies.
import assert from 'node:assert/strict';
import { measure } from '../../helpers/tone.ts';
import { RATE_HZ } from '../person.ts';
import {
  answered,
  BY_NETWORK,
  CARRIER,
  CONNECTED,
  NETWORK_FILE,
  NO_CARRIER,
  OVER,
  parrot,
  type Scene,
  SENTENCE_MS,
  SERVICE,
  seconds,
} from '../stage.ts';

export function roadScenes(scene: Scene): void {
  scene('comes up from a cold boot without a network, and answers the button', async (stage) => {
    const { board, journal, person } = stage;
    // An emulated finger is slow, and the end of a hold has a cue of its own, which would cut the one that is to be heard.
    await stage.configure(stage.server.url, '[button]\nhold_after_ms = 2000');
    await board.reboot();
    journal.follow();
    await person.learn(stage.sentence);
    const ready = await journal.until(/Started xiaozhi-agent\.service/, 0);
    const taken = await journal.until(/: button taken .*backend=gpiod/, 0);
    assert.equal(await board.get(`systemctl is-active ${SERVICE}`), 'active');
    await person.listen();
    const since = journal.mark();
    await person.click();
    const cue = await journal.until(/: cue cue=offline/, since);
    await board.get('sleep 2');
    // Before the turn is over: that has a cue of its own.
    const { loudMs } = measure(await person.heard(), RATE_HZ);
    assert.equal(journal.all(OVER, since).length, 0);
    assert.ok(loudMs > 100, `a cue of ${loudMs} ms`);
    const over = await journal.until(/: turn over .*no connection in time/, since);
    return { figures: { 'ready after, s': ready.atS, 'cue, ms': loudMs }, proof: [ready, taken, cue, over] };
  });

  scene('is connected when the cable is plugged', async ({ board, journal }) => {
    await board.cable('plug');
    // Since the boot: if the scene before failed, it was plugged when everything was put right after that.
    const carrier = await journal.until(CARRIER, 0);
    const ready = await journal.until(BY_NETWORK, 0);
    return { figures: { 'carrier to hello, s': seconds(carrier, ready) }, proof: [carrier, ready] };
  });

  scene('loses nothing of a sentence when the cable is pulled in the middle of it for 5 s', async (stage) => {
    const { board, journal, server } = stage;
    await stage.configure(server.url);
    await stage.restarted();
    const since = journal.mark();
    const asked = stage.ask();
    await stage.arriving(since, 2_000);
    await board.cable('pull');
    const pulled = await journal.until(NO_CARRIER, since);
    await board.get('sleep 5');
    await board.cable('plug');
    const carrier = await journal.until(CARRIER, since);
    const over = await asked;
    stage.assertWhole(stage.understood());
    return {
      figures: {
        'without a cable, s': seconds(pulled, carrier),
        // None, where the connection has outlived it.
        'connections more': journal.all(CONNECTED, since).length,
      },
      proof: [pulled, carrier, over],
    };
  });

  scene('ends a turn whose answer is cut off by the cable, and can be asked again', async (stage, since) => {
    const { board, journal, person } = stage;
    await person.listen();
    await person.holding(() => person.speak());
    await journal.until(/: turn speaking/, since);
    await board.get('sleep 2');
    await board.cable('pull');
    const over = await journal.until(answered('hold'), since);
    const { loudMs } = measure(await person.heard(), RATE_HZ);
    assert.ok(loudMs > 1_000 && loudMs < 0.75 * SENTENCE_MS, `${loudMs} ms were heard, the cues among them`);
    await board.cable('plug');
    const carrier = await journal.until(CARRIER, since);
    const back = await journal.until(CONNECTED, since);
    const again = await stage.askWhole();
    return {
      figures: { 'carrier to hello, s': seconds(carrier, back), 'heard, ms': loudMs },
      proof: [over, carrier, back, again],
    };
  });

  scene('is back at once when the cable was out for a minute', async ({ board, journal }, since) => {
    await board.cable('pull');
    const lost = await journal.until(/: link lost/, since);
    await board.get('sleep 60');
    await board.cable('plug');
    const carrier = await journal.until(CARRIER, since);
    const back = await journal.until(BY_NETWORK, since);
    return { figures: { 'carrier to hello, s': seconds(carrier, back) }, proof: [lost, carrier, back] };
  });

  scene('moves to the new address when its own changes', async (stage, since) => {
    const { board, journal } = stage;
    const move = (to: number) =>
      board.get(
        `sed -i 's/^Address=.*/Address=198.18.78.${to}\\/24/' ${NETWORK_FILE}; networkctl reload; networkctl reconfigure cable`,
      );
    await move(3);
    const changed = await journal.until(/: network changed .*198\.18\.78\.3/, since);
    const back = await journal.until(CONNECTED, since);
    assert.equal(stage.server.sessions.at(-1)?.from, '198.18.78.3');
    const home = journal.mark();
    await move(2);
    await journal.until(CONNECTED, home);
    return { figures: { 'address to hello, s': seconds(changed, back) }, proof: [changed, back] };
  });

  scene('comes back to a server that was killed and started again', async (stage) => {
    const { board, journal } = stage;
    const first = await parrot();
    await stage.configure(first.url);
    await stage.restarted();
    const since = journal.mark();
    await first.kill();
    const lost = await journal.until(/: link (lost|attempt failed)/, since);
    await board.get('sleep 5');
    const second = await parrot(first.port);
    try {
      const back = await journal.until(CONNECTED, since);
      return { figures: { 'loss to hello, s': seconds(lost, back) }, proof: [lost, back] };
    } finally {
      await second.kill();
      await stage.configure(stage.server.url);
      await stage.restarted();
    }
  });
}
