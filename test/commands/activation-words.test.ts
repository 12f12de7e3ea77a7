// What a person reads of a box that belongs to nobody yet.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { wordsOf } from '../../src/commands/activate.ts';
import { setupWords } from '../../src/commands/status-words.ts';

const UNBOUND = {
  asks: true,
  phase: 'activating',
  code: '738133',
  message: 'xiaozhi.me',
  gives: [],
  trouble: null,
} as const;

describe('the activation in `status`', () => {
  it('is the code and where it goes', () =>
    assert.deepEqual(setupWords(UNBOUND), [
      'enter the code 738133 in the console of the server (xiaozhi.me)',
    ]));

  it('has the code once, be it in the message of the server as well or that message itself', () => {
    const words = (message: string) => setupWords({ ...UNBOUND, message }).join();
    assert.equal(
      words('xiaozhi.me 738133'),
      'enter the code 738133 in the console of the server (xiaozhi.me)',
    );
    assert.equal(
      words('http://10.0.0.1/738133?x 738133'),
      'enter the code 738133 in the console of the server (http://10.0.0.1/738133?x)',
    );
    assert.equal(words('738133'), 'enter the code 738133 in the console of the server');
  });

  it('is also what keeps it from coming to its end', () =>
    assert.deepEqual(setupWords({ ...UNBOUND, code: '', trouble: 'the key cannot be read' }), [
      'the server wants no code but a serial number (xiaozhi.me)',
      'trouble with the configuration call: the key cannot be read',
    ]));
});

it('what a server says instead of a hello, which may be where the code is, is shown by `status` and `activate`', () => {
  for (const [message, words] of [
    ['enter 738133', 'the server does not greet the box, and says: enter 738133'],
    ['', 'the server does not greet the box, and speaks to it'],
  ] as const) {
    const setup = { ...UNBOUND, phase: 'heeding', message } as const;
    assert.deepEqual(setupWords(setup), [words]);
    assert.equal(wordsOf(setup), `${words}; waiting`);
  }
});
