// What a break in mid-utterance costs: speech lost, and how much later than without a break the server has all of it. Real
// daemons on the virtual card, each with a server and a break of its own (test/speech/breaks.ts), all at the same time.
import { likeness, utterance } from '../helpers/same-sound.ts';
import { breaksOf, Stage, UNBROKEN } from '../speech/breaks.ts';
import type { Figure } from './figure.ts';
import type { Bench } from './lab.ts';

const ROUNDS = 10;
const UTTERANCE_MS = 6_000;
/** What a round compares must be the whole utterance; the codec's first and last moments are too soft to compare. */
const LEAST_COMPARED = 0.95;

type Samples = { readonly lost: number[]; readonly late: number[]; readonly later: number[] };

export const utteranceBench: Bench = {
  name: 'utterance',
  about: 'a 6 s utterance over every break: speech lost, and how late the server has all of it',
  async measure(lab) {
    const breaks = breaksOf(UTTERANCE_MS);
    const samples = new Map<string, Samples>(
      breaks.map(({ name }) => [name, { lost: [], late: [], later: [] }]),
    );
    for (let round = 0; round < ROUNDS; round += 1) {
      const stage = await lab.keep(
        () => Stage.open(),
        (opened) => opened.close(),
      );
      for (const one of breaks) await stage.add(one);
      const told = await stage.say(utterance(UTTERANCE_MS, round + 1));
      const unbroken = told.find(({ name }) => name === UNBROKEN)?.lateMs ?? Number.NaN;
      for (const { name, said, heard, lateMs } of told) {
        const { comparedMs, lostMs, cutMs } = likeness(said, heard);
        if (comparedMs < LEAST_COMPARED * UTTERANCE_MS)
          throw new Error(`${name}: only ${comparedMs} ms of the utterance could be compared`);
        samples.get(name)?.lost.push(lostMs + cutMs);
        samples.get(name)?.late.push(lateMs);
        samples.get(name)?.later.push(lateMs - unbroken);
      }
      await stage.close();
    }
    return [...samples].flatMap(([name, one]) => figures(name, one));
  },
};

function figures(name: string, { lost, late, later }: Samples): readonly Figure[] {
  const unit = 'ms';
  const whole: Figure = {
    name: `${name}: lost`,
    unit,
    samples: lost,
    goal: { of: 'max', atMost: 0 },
    note: 'in windows of 40 ms, against what the microphone got',
  };
  const arrived: Figure = {
    name: `${name}: end of speech -> all there`,
    unit,
    samples: late,
    note: 'the button was let go; `listen stop`, which follows the last packet',
  };
  const compared: Figure = { name: `${name}: later than unbroken`, unit, samples: later };
  return name === UNBROKEN ? [whole, arrived] : [whole, arrived, compared];
}
