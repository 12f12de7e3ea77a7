// What libgpiod's programs print, read: lists of both generations as they were recorded, and things that are none.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import {
  chipsByLabel,
  edgeOf,
  findLine,
  generationOf,
  linesOf,
} from '../../../src/adapters/linux/gpiod-tools.ts';
import { INFO, INFO_HELD } from './gpiod-recorded.ts';

test('the generation is told by the version, and other programs are none', () => {
  for (const [said, generation] of [
    ['gpiomon (libgpiod) v1.6.3\nCopyright', 1],
    ['gpiomon (libgpiod) v1.4.1', 1],
    ['gpiomon (libgpiod) v2.2.1', 2],
    ['gpiomon (libgpiod) 2.3-rc1', 2],
    ['gpiomon (libgpiod) v10.0', 2],
    ['BusyBox v1.36.1', undefined],
    ['', undefined],
  ] as const)
    assert.equal(generationOf(said), generation, said);
});

test('the program of this machine is of a generation', () => {
  const said = execFileSync('gpiomon', ['--version'], { encoding: 'utf8' });
  assert.ok(generationOf(said), said);
});

for (const generation of [1, 2] as const)
  test(`the list of ${generation}.x has each line with chip, name and holder`, () => {
    const at = (info: string, offset: number) => linesOf(info).find((one) => one.offset === offset);
    const line = { chip: 'gpiochip0', offset: 17, name: 'GPIO17' };
    assert.deepEqual(at(INFO[generation], 17), { ...line, holder: undefined });
    assert.deepEqual(at(INFO_HELD[generation], 17), { ...line, holder: 'gpiomon' });
    assert.equal(at(INFO[generation], 0)?.name, 'unnamed');
    if (generation === 1) assert.equal(at(INFO[1], 16)?.holder, 'kernel');
  });

test('a Raspberry Pi’s own chip goes before a name, whatever its number', () => {
  // A Pi 5 with an early kernel; its lines were called PINn then.
  const chips = chipsByLabel(
    'gpiochip0 [gpio-brcmstb@107d508500] (32 lines)\ngpiochip4 [pinctrl-rp1] (54 lines)\n',
  );
  assert.deepEqual(findLine({ chips, lines: [] }, 17, ''), { chip: 'gpiochip4', offset: 17 });
});

test('of chips with the same label the first is meant', () => {
  const chips = chipsByLabel('gpiochip0 [pinctrl-rp1] (54 lines)\ngpiochip10 [pinctrl-rp1] (54 lines)');
  assert.deepEqual(findLine({ chips, lines: [] }, 4, 'pinctrl-rp1'), { chip: 'gpiochip0', offset: 4 });
});

test('edges are 1 for a press in both, 0 and 2 for a release, and nothing else', () => {
  assert.deepEqual(['1', '0', '2'].map(edgeOf), ['pressed', 'released', 'released']);
  for (const other of ['', '3', '10', 'rising', "Monitoring line '17'..."])
    assert.equal(edgeOf(other), undefined);
});
