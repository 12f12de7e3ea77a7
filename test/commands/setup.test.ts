// `setup` on files that stand in for config.txt: shown first, made between marks with a backup, and taken out again.
import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { KITS, withKits } from '../../src/config/boot-file.ts';
import { command, commandWithoutRights, type Folders, folders } from '../helpers/daemon.ts';

const OWN = '# the owner’s\ndtparam=audio=on\n\n[pi4]\narm_boost=1\n';

describe('setup', () => {
  let places: Folders;
  let file: string;
  const text = () => readFileSync(file, 'utf8');
  const setup = (...args: readonly string[]) => command(['setup', '--boot-file', file, ...args]);
  beforeEach(async () => {
    places = await folders();
    file = join(places.root, 'config.txt');
    writeFileSync(file, OWN);
  });
  afterEach(() => places.remove());

  it('shows what would change, and changes nothing', async () => {
    const { code, stdout } = await setup('i2s');
    assert.equal(code, 0);
    assert.match(stdout, /^\+dtoverlay=googlevoicehat-soundcard$/m);
    assert.doesNotMatch(stdout, /^-/m);
    assert.match(stdout, /nothing is changed yet/);
    assert.deepEqual([text(), existsSync(`${file}.before-xiaozhi-agent`)], [OWN, false]);
  });

  it('changes it with a backup, for all boards, and undoes it to the letter', async () => {
    assert.equal((await setup('i2s', 'led', '--apply')).code, 0);
    assert.ok(text().startsWith(OWN));
    assert.match(text(), /\[all\]\ndtoverlay=googlevoicehat-soundcard\ndtoverlay=gpio-led/);
    assert.equal(readFileSync(`${file}.before-xiaozhi-agent`, 'utf8'), OWN);
    const undone = await setup('--undo');
    assert.equal(undone.code, 0);
    assert.match(undone.stdout, /^-dtoverlay=googlevoicehat-soundcard$/m);
    assert.equal(text(), OWN);
  });

  it('done twice is done once, and another kit takes the place of the first', async () => {
    await setup('i2s', '--apply');
    const once = text();
    const again = await setup('i2s', '--apply');
    assert.match(again.stdout, /like that already/);
    assert.equal(text(), once);
    await setup('wm8960', '--apply');
    assert.equal(text(), withKits(OWN, ['wm8960']));
    assert.equal(readFileSync(`${file}.before-xiaozhi-agent`, 'utf8'), OWN, 'of what the owner had');
  });

  it('leaves what the owner has written for all boards to the owner', () => {
    const own = 'dtoverlay=googlevoicehat-soundcard\n';
    assert.equal(withKits(own, ['i2s']), own);
    assert.notEqual(withKits(`[pi4]\n${own}`, ['i2s']), `[pi4]\n${own}`);
  });

  it('keeps a file without a line end at its end from running into ours', () => {
    assert.match(withKits('gpu_mem=16', ['led']), /^gpu_mem=16\n#/);
  });

  it('refuses two kits that want the one I2S bus, and says why', async () => {
    const { code, stdout, stderr } = await setup('i2s', 'led', 'wm8960', '--apply');
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /i2s and wm8960 do not go together: the board has one I2S bus/);
    assert.equal(text(), OWN);
    assert.equal((await setup('i2s', 'i2s', 'key', 'led')).code, 0);
  });

  it('names its end mark when that is lost, and changes nothing', async () => {
    await setup('i2s', '--apply');
    const without = text().replace('# xiaozhi-agent: end\n', '');
    writeFileSync(file, without);
    for (const args of [['--undo'], ['led', '--apply']]) {
      const { code, stdout, stderr } = await setup(...args);
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(stderr, /has lost the line "# xiaozhi-agent: end"/);
      assert.equal(text(), without);
    }
  });

  it('says what it takes', async () => {
    for (const args of [[], ['toaster'], ['i2s', '--undo']]) {
      const { code, stderr } = await setup(...args);
      assert.equal(code, 2);
      assert.match(stderr, /i2s, max98357a/);
    }
    const missing = await command(['setup', 'i2s', '--boot-file', join(places.root, 'none')]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /no Raspberry Pi/);
  });

  it('says that it is not allowed, before anything is changed', async () => {
    chmodSync(places.root, 0o555);
    const { code, stderr } = await commandWithoutRights(['setup', '--boot-file', file, 'i2s', '--apply']);
    chmodSync(places.root, 0o755);
    assert.equal(code, 4);
    assert.match(stderr, /no permission to write .*config\.txt: sudo/);
    assert.deepEqual([text(), readdirSync(places.root).sort()], [OWN, ['config.txt']]);
  });

  it('has the lines that deploy/README.md tells of, kit by kit', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../deploy/README.md'), 'utf8');
    for (const [kit, lines] of Object.entries(KITS)) {
      const row = page.split('\n').find((line) => line.includes(`| \`${kit}\` |`));
      for (const line of lines) assert.ok(row?.includes(`\`${line}\``), `${kit}: ${line}`);
    }
  });
});
