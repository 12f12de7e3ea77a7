// What its owner does with a box: looks at it over SSH, changes its configuration, restarts the board, upgrades it, takes it away.
import assert from 'node:assert/strict';
import { keepScreens, takeScreens } from '../screens.ts';
import { BY_NETWORK, CONFIG, GPIO, type Scene, SERVICE, seconds, TOKEN } from '../stage.ts';

const IDENTITY = 'sha256sum /var/lib/xiaozhi-agent/identity.json';
/** Of the package, which the journal may go on telling of: files, processes of its user, and the user. */
const LEFT =
  'find / /run /tmp -xdev -name "*xiaozhi*" -not -path "/proc/*" -not -path "/var/log/*" -print; readlink /proc/[0-9]*/exe | grep xiaozhi-agent; pgrep -al "gpiomon|arecord|aplay"; pgrep -af "^ip .*monitor"; getent passwd xiaozhi';

export function careScenes(scene: Scene, folder: string): void {
  scene('is asked over SSH', async (stage) => {
    const { board, journal } = stage;
    // What somebody sees whose box has had one trouble, and one conversation.
    await stage.restarted();
    const since = journal.mark();
    await board.cable('pull');
    await journal.until(/: link lost/, since);
    await board.cable('plug');
    await journal.until(BY_NETWORK, since);
    await stage.askWhole();
    const screens = new Map<string, string>();
    // Those that there are tell what is wrong with one.
    await takeScreens(stage, screens).finally(() => keepScreens(screens, folder));
    return { proof: [await journal.until(/sshd.*Accepted publickey for maker/, since)] };
  });

  scene('takes a good configuration at a reload, and leaves a wrong one', async (stage, since) => {
    const { board, journal } = stage;
    const pid = () => board.get(`systemctl show ${SERVICE} -p MainPID --value`);
    const before = await pid();
    await stage.configure(stage.server.url, '[button]\nmode = "click"');
    await board.get(`systemctl reload ${SERVICE}`);
    const applied = await journal.until(/: reload: applied applied=\S*button\.mode/, since);
    await board.get(`echo nonsense >${CONFIG}; systemctl reload ${SERVICE}`);
    const refused = await journal.until(/: reload: .*the old one stays/, since);
    assert.equal(await pid(), before);
    await stage.configure(stage.server.url);
    await board.get(`systemctl reload ${SERVICE}`);
    return { proof: [applied, refused, await stage.askWhole()] };
  });

  scene(
    'keeps identity, volume and what it knows over a reboot with a finger on the button',
    async (stage) => {
      const { board, journal } = stage;
      await board.get('xiaozhi-agent volume 70');
      const before = await board.get(IDENTITY);
      // A resistor of the chip's own would let this wire go: here nobody's finger is stronger than it.
      await stage.configure(stage.server.url, '[button]\npull = "off"');
      await board.get(`echo ${GPIO} >/etc/held`);
      await board.reboot();
      journal.follow();
      const held = await journal.until(/: button is held down already/, 0);
      const last = await journal.until(/: the last run ended/, 0);
      await stage.begun(0);
      assert.equal(journal.all(/: turn pressed/, 0).length, 0, 'a finger that was there before is no press');
      await board.get(`rm /etc/held; wires release ${GPIO}`);
      assert.equal(await board.get(IDENTITY), before);
      assert.match((await board.run('xiaozhi-agent status')).out, /volume 70/);
      await stage.person.learn(stage.sentence);
      return { proof: [held, last, await stage.askWhole()] };
    },
  );

  scene('is upgraded in the middle of a turn', async (stage, since) => {
    const { board, journal, person } = stage;
    const before = await board.get(IDENTITY);
    await person.holding(async () => {
      await journal.until(/: turn (recording|listening)/, since);
      await board.get('dpkg -i --force-confold /root/newer.deb');
    });
    const stopped = await journal.until(/Stopped xiaozhi-agent\.service/, since);
    const started = await journal.until(/: starting version=\S*newer/, since);
    const back = await stage.begun(since);
    assert.equal(await board.get(IDENTITY), before);
    return {
      figures: { 'stopped to hello, s': seconds(stopped, back) },
      proof: [stopped, started, back, await stage.askWhole()],
    };
  });
}

export function lastScenes(scene: Scene): void {
  scene('has written its token nowhere, and shown it to its server', async ({ board, journal, server }) => {
    const kept = await board.run(
      `journalctl -o cat --no-pager | grep -F ${TOKEN}; grep -rlFs ${TOKEN} /run /tmp /var/lib /var/log`,
    );
    assert.equal(kept.out, '');
    assert.equal(server.sessions.at(-1)?.headers.authorization, `Bearer ${TOKEN}`);
    return { proof: journal.all(/: link: server .*token=true/, 0).slice(-1) };
  });

  scene('leaves nothing when it is purged', async ({ board, journal }, since) => {
    await board.get(`dpkg --purge ${SERVICE}`);
    const stopped = await journal.until(/Stopped xiaozhi-agent\.service/, since);
    assert.equal((await board.run(LEFT)).out, '');
    return { proof: [stopped] };
  });
}
