// The script that makes the sounds of a folder (`npm run sounds`): cues from their scores, digits spoken by espeak-ng where
// there is one. What it makes is part of the package, so that no box needs a synthesiser.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import wavefile from 'wavefile';
import { SCORES } from './scores.ts';
import { render } from './synthesis.ts';

/** The default of `audio.output.rate_hz`: nothing is to be converted on the board. */
const RATE_HZ = 24_000;
/** As espeak-ng names them; `cmn` is Mandarin. Slower than it reads, for a number that is written down. */
const VOICES = { en: 'en', zh: 'cmn' } as const;
const WORDS_PER_MINUTE = '140';
/** What sox takes off both ends: below 1 % of full scale nothing is speech. */
const TRIM = ['silence', '1', '0.005', '1%', 'reverse', 'silence', '1', '0.005', '1%', 'reverse'];
/** As loud as the jingle before them sounds; no click at the ends, and a pause between two digits. */
const FINISH = ['norm', '-9', 'fade', '0.004', 'reverse', 'fade', '0.01', 'reverse', 'pad', '0', '0.15'];

const [, , folder = 'src/sounds'] = process.argv;
for (const [name, score] of Object.entries(SCORES)) {
  const wav = new wavefile.WaveFile();
  wav.fromScratch(1, RATE_HZ, '16', render(score, RATE_HZ));
  writeFileSync(join(folder, `${name}.wav`), wav.toBuffer());
}
const scratch = mkdtempSync(join(tmpdir(), 'xz-'));
try {
  for (const [language, voice] of Object.entries(VOICES))
    for (let digit = 0; digit <= 9; digit += 1)
      speak(voice, digit, join(folder, `digit-${language}-${digit}.wav`));
} catch (error) {
  process.stderr.write(
    `the spoken digits stay as they are: ${error instanceof Error ? error.message : error}\n`,
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

function speak(voice: string, digit: number, file: string): void {
  const raw = join(scratch, 'raw.wav');
  execFileSync('espeak-ng', ['-v', voice, '-s', WORDS_PER_MINUTE, '-w', raw, String(digit)]);
  // -D and -R: no noise is added, so that the same voice makes the same file.
  const form = ['-r', String(RATE_HZ), '-b', '16', '-c', '1'];
  execFileSync('sox', ['-D', '-R', raw, ...form, file, ...TRIM, ...FINISH]);
}
