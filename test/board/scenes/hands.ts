// What happens at the board itself: conversations by each backend of the button, a contact that bounces, a line somebody else has,
// a sound card that goes, and children that are killed.
import assert from 'node:assert/strict';
import type { Line } from '../journal.ts';
import {
  answered,
  CARD,
  CARRIER,
  CONNECTED,
  GPIO,
  NO_CARRIER,
  OVER,
  parrot,
  type Scene,
  SERVICE,
  type Stage,
  seconds,
} from '../stage.ts';

/** Lines of the header that the board has wires to. */
const [LAMP, DOOR] = [23, 27];
/** Somebody who is told by the kernel; an emulated one takes a second, and who looks by himself up to 15. */
const HEARD_S = 3;

export function handScenes(scene: Scene): void {
  for (const backend of ['gpiod', 'onoff'] as const)
    for (const gesture of ['click', 'hold'] as const)
      scene(`holds a conversation: ${backend}, ${gesture}`, async (stage) => {
        const { journal, person } = stage;
        const server = await parrot();
        try {
          // The end of a click may be late for an emulated processor, and would make a hold of it.
          const wished = `[button]\nbackend = "${backend}"\nhold_after_ms = ${gesture === 'click' ? 2_000 : 400}`;
          await stage.configure(server.url, wished);
          const before = journal.mark();
          const ready = await stage.restarted();
          const taken = await journal.until(new RegExp(`: button taken .*backend=${backend}`), before);
          const over = await stage.converse(async () => {
            const since = journal.mark();
            if (gesture === 'click') {
              await person.click();
              await person.speak();
            } else await person.holding(() => person.speak());
            return journal.until(answered(gesture), since);
          });
          return { proof: [taken, ready, over] };
        } finally {
          await server.kill();
        }
      });

  scene('takes fifty edges of a bouncing contact for one click', async (stage) => {
    const { board, journal } = stage;
    await stage.configure(stage.server.url);
    await stage.restarted();
    const since = journal.mark();
    // In one shell, which begins no program meanwhile: on an emulated machine each takes longer than all the edges.
    const edges =
      'i=25; while [ $i -gt 0 ]; do echo pull-down >$pull; echo pull-up >$pull; i=$((i - 1)); done';
    const uptime = 'read up rest </proc/uptime; echo $up';
    const times = await board.get(
      `pull=$(wires line ${GPIO})/pull; ${uptime}; ${edges}; ${uptime}; echo pull-down >$pull; sleep 0.15; ${edges}`,
    );
    const [from = 0, to = 0] = times.split('\n').map(Number);
    const pressed = await journal.until(/event=button\.pressed/, since);
    const over = await journal.until(OVER, since);
    assert.equal(journal.all(/event=button\.pressed/, since).length, 1);
    assert.equal(journal.all(/event=button\.released/, since).length, 1);
    return { figures: { 'fifty edges took, ms': Math.round((to - from) * 1_000) }, proof: [pressed, over] };
  });

  scene('says who has taken its line, and takes it when it is let go', async (stage, since) => {
    const { board, journal } = stage;
    await board.get(`systemctl stop ${SERVICE}`);
    await board.get(
      `gpiomon -c "$(wires chip)" ${GPIO} >/dev/null 2>&1 & echo $! >/run/taker; until gpioinfo -c "$(wires chip)" ${GPIO} | grep -q consumer; do sleep 0.1; done`,
    );
    await board.get(`systemctl start ${SERVICE}`);
    const busy = await journal
      .until(/: button cannot be heard.*in use by \S*gpiomon/, since)
      .finally(() => board.get('kill "$(cat /run/taker)"'));
    const works = await journal.until(/: button works again/, since);
    await journal.until(CONNECTED, since);
    const asked = await stage.askWhole();
    return { figures: { 'busy to taken, s': seconds(busy, works) }, proof: [busy, works, asked] };
  });

  scene(
    'turns a lamp on, and tells of a door, when the server asks for the tools of its owner',
    async (stage) => {
      const { board, journal, server } = stage;
      await stage.configure(
        server.url,
        `[tools.lamp]\ndescription = "Lamp"\ngpio_output = ${LAMP}\n[tools.door]\ndescription = "Door"\ngpio_input = ${DOOR}`,
      );
      await stage.restarted();
      const since = journal.mark();
      const lit = async () => (await board.get(`wires value ${LAMP}`)) === '1';
      await stage.call('lamp', { on: true });
      assert.ok(await lit(), 'the lamp is lit');
      await stage.call('lamp', { on: false });
      assert.ok(!(await lit()), 'the lamp is out');
      await board.get(`wires press ${DOOR}`);
      const shut = await stage.call('door', {});
      await board.get(`wires release ${DOOR}`);
      const open = await stage.call('door', {});
      assert.deepEqual(
        [shut, open].map((said) => /true|false/.exec(JSON.stringify(said))?.[0]),
        ['false', 'true'],
      );
      return { proof: journal.all(/: tool called by the server/, since) };
    },
  );

  const unplug = `card=$(ls ${CARD} | grep snd_aloop); echo "$card" >/run/card; echo "$card" >${CARD}/unbind`;
  const plug = `cat /run/card >${CARD}/bind`;

  scene(
    'says that its sound card is gone when it is pressed, and can be asked when it is back',
    async (stage, since) => {
      const { journal, person } = stage;
      const gone = await stage.noted(unplug);
      await person.click();
      const broke = await journal.until(/: microphone broke off/, since);
      const over = await journal.until(OVER, since);
      const back = await stage.noted(plug);
      return { proof: [gone, broke, over, back, await stage.askWhole()] };
    },
  );

  scene(
    'ends a turn whose sound card is gone in the middle of a sentence, and can be asked again',
    async (stage, since) => {
      const { journal, person } = stage;
      // Whoever speaks to a card that is gone gets nowhere either.
      const cut = stage.ask().catch(() => undefined);
      await stage.arriving(since, 2_000);
      const gone = await stage.noted(unplug);
      const broke = await journal.until(/: microphone broke off/, since);
      const back = await stage.noted(plug);
      await person.release();
      const over = await journal.until(OVER, since);
      await cut;
      return { proof: [gone, broke, back, over, await stage.askWhole()] };
    },
  );

  for (const [what, kill, again] of [
    [
      'itself',
      `kill -9 "$(systemctl show ${SERVICE} -p MainPID --value)"`,
      (stage: Stage, since: number) => stage.begun(since),
    ],
    [
      'its look at the button',
      'pkill -9 -x gpiomon',
      ({ journal }: Stage, since: number) => journal.until(/: button works again/, since),
    ],
  ] as const)
    scene(`is whole again after kill -9 of ${what}`, async (stage, since) => {
      const killed = await stage.noted(kill);
      const back = await again(stage, since);
      return {
        figures: { 'back after, s': seconds(killed, back) },
        proof: [killed, back, await stage.askWhole()],
      };
    });

  scene('hears of the network again after kill -9 of its look at it', async (stage) => {
    const { board, journal } = stage;
    const killed = await stage.noted("pkill -9 -f '^ip .*monitor'");
    // Once is not worth a line of the log: it is looked for, and then shown to be listened to.
    const again = await stage.noted("until pgrep -f '^ip .*monitor'; do sleep 0.1; done");
    const heard: Line[] = [];
    // Twice: now and then, the look every 15 s at how things stand would find one of four changes as soon.
    for (const usable of [false, true, false, true]) {
      const from = journal.mark();
      await board.cable(usable ? 'plug' : 'pull');
      const changed = await journal.until(usable ? CARRIER : NO_CARRIER, from);
      const noticed = await journal.until(new RegExp(`: network changed usable=${usable}`), from);
      assert.ok(seconds(changed, noticed) < HEARD_S, `${noticed.text}, ${seconds(changed, noticed)} s late`);
      heard.push(noticed);
    }
    await stage.rested();
    return { figures: { 'back after, s': seconds(killed, again) }, proof: [killed, again, ...heard] };
  });

  scene('goes on with a sentence whose recorder is killed with kill -9', async (stage, since) => {
    const asked = stage.ask();
    await stage.arriving(since, 2_000);
    const killed = await stage.noted('pkill -9 -x arecord');
    const again = await stage.noted('until pgrep -x arecord; do sleep 0.05; done');
    const broke = await stage.journal.until(/: microphone broke off/, since);
    await stage.arrivingMore(2_000);
    return {
      figures: { 'back after, s': seconds(killed, again) },
      proof: [killed, broke, again, await asked, await stage.askWhole()],
    };
  });
}
